//! Transit: encryption, signatures and MACs as a service. Paths as in `domain-events.md` §5.6.
//!
//! Transit enforces no single purpose: every key type also makes HMACs, and RSA keys both encrypt and
//! sign. So the function comes from the path alone, never from the key's type.

use super::action::Action;
use super::call::{Asked, Call, Operation};

/// What the call did. An unknown path is still an event, because a new engine version may use keys there.
pub fn call<'a>(asked: &Asked<'a>) -> Call<'a> {
    known(asked).unwrap_or(Call::plain(Action::TransitOther))
}

fn known<'a>(asked: &Asked<'a>) -> Option<Call<'a>> {
    let [verb, name, third] = asked.segments::<3>();
    match verb {
        "random" => Some(Call::plain(Action::TransitRandom)),
        "hash" => Some(Call::plain(Action::TransitHash)),
        "wrapping_key" => Some(Call::plain(Action::TransitWrappingKey)),
        "cache-config" => Some(Call::plain(Action::TransitCacheConfig)),
        "config" if asked.operation.reads() => Some(Call::plain(Action::TransitConfigKeysRead)),
        "config" => Some(Call::plain(Action::TransitConfigKeys)),
        "restore" if name.is_empty() => Some(Call::plain(Action::TransitRestore)),
        "keys" if name.is_empty() => Some(Call::plain(Action::TransitKeysList)),
        _ if name.is_empty() => None,
        "restore" => Some(Call::named(Action::TransitRestore, name)),
        "backup" => Some(Call::named(Action::TransitBackup, name)),
        "keys" => key_call(asked.operation, name, third),
        "datakey" => datakey(name, third),
        "export" => export(name, third),
        "byok-export" => byok_export(name, third),
        _ => crypto(verb, asked).map(|action| {
            let algorithm = (!third.is_empty()).then_some(third);
            Call { algorithm, ..Call::named(action, name) }
        }),
    }
}

fn crypto(verb: &str, asked: &Asked<'_>) -> Option<Action> {
    Some(match verb {
        "encrypt" => Action::TransitEncrypt,
        "decrypt" => Action::TransitDecrypt,
        "rewrap" => Action::TransitRewrap,
        "sign" => Action::TransitSign,
        "verify" if checks_mac(asked) => Action::TransitVerifyMac,
        "verify" => Action::TransitVerify,
        "hmac" => Action::TransitHmac,
        "cmac" => Action::TransitCmac,
        "derive-key" => Action::TransitDeriveKey,
        _ => return None,
    })
}

/// `verify` checks signatures, HMACs and CMACs; which, only the request's fields say.
fn checks_mac(asked: &Asked<'_>) -> bool {
    let mac = |item: &super::json::Json<'_>| item.get("hmac").is_some() || item.get("cmac").is_some();
    mac(asked.data) || asked.data.items("batch_input").iter().any(mac)
}

fn key_call<'a>(operation: Operation, name: &'a str, third: &str) -> Option<Call<'a>> {
    let action = match (third, operation) {
        ("", operation) if operation.reads() => Action::TransitKeysRead,
        ("", Operation::Delete) => Action::TransitKeysDelete,
        ("", _) => Action::TransitKeysCreate,
        ("config", _) => Action::TransitKeysConfig,
        ("rotate", _) => Action::TransitKeysRotate,
        ("trim", _) => Action::TransitKeysTrim,
        ("soft-delete", _) => Action::TransitKeysSoftDelete,
        ("soft-delete-restore", _) => Action::TransitKeysSoftDeleteRestore,
        ("csr", _) => Action::TransitKeysCsr,
        ("set-certificate", _) => Action::TransitKeysSetCertificate,
        ("import", _) => Action::TransitKeysImport,
        ("import_version", _) => Action::TransitKeysImportVersion,
        _ => return None,
    };
    Some(Call::named(action, name))
}

fn datakey<'a>(form: &str, name: &'a str) -> Option<Call<'a>> {
    let action = match form {
        "plaintext" => Action::TransitDatakeyPlaintext,
        "wrapped" => Action::TransitDatakeyWrapped,
        _ => return None,
    };
    (!name.is_empty()).then_some(Call::named(action, name))
}

/// `export/TYPE/NAME[/VERSION]`; an unknown type counts as key material.
fn export<'a>(kind: &str, name_and_version: &'a str) -> Option<Call<'a>> {
    let action = match kind {
        "public-key" => Action::TransitExportPublic,
        "certificate-chain" => Action::TransitExportChain,
        _ => Action::TransitExport,
    };
    versioned(action, name_and_version)
}

/// `byok-export/DESTINATION/SOURCE[/VERSION]`: the source leaves, wrapped with the destination.
fn byok_export<'a>(destination: &'a str, source_and_version: &'a str) -> Option<Call<'a>> {
    let call = versioned(Action::TransitByokExport, source_and_version)?;
    Some(Call { other_key: Some(destination), ..call })
}

fn versioned(action: Action, name_and_version: &str) -> Option<Call<'_>> {
    let (name, version) = match name_and_version.split_once('/') {
        Some((name, version)) => (name, Some(version)),
        None => (name_and_version, None),
    };
    (!name.is_empty()).then_some(Call { version, ..Call::named(action, name) })
}
