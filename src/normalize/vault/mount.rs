//! Where a call went: namespace, engine, mount, and the path below it.
//!
//! Newer entries say so: `mount_point` (which carries the namespace's path in front) and `mount_type`.
//! Vault before 1.9 says neither; then the path's shape decides, and nothing else, so that one entry is
//! always read alike whatever came before it. That is ambiguous where one verb serves several engines:
//!
//! | path | read as | could also be |
//! |---|---|---|
//! | `M/sign/N`, `M/keys/N`, `M/config/…` | by `M`'s name (`pki`, `ssh`, `totp`, `transit`, `kv`, `secret` at the start of a word), else transit | PKI, SSH, TOTP |
//! | `M/issue/N`, `M/root/…`, `M/intermediate/…` | PKI | SSH's `issue` |
//! | `M/data/…`, `M/metadata/…` | KV v2 | a KV v1 secret of that name |
//! | anything else | KV where `M` is named so, else `unknown` | any engine |

use super::entry::Request;

/// The kind of secrets engine or auth method behind a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Transit,
    Pki,
    Ssh,
    Kv,
    Totp,
    Identity,
    Token,
    /// An auth method other than the token store.
    Auth,
    System,
    KmipMount,
    /// Known, and without keys that keyward follows: cubbyhole, databases, clouds.
    Irrelevant,
    /// The entry does not say, and the path does not tell.
    Unknown,
}

/// Where a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    pub engine: Engine,
    /// The auth method's type, for auth mounts.
    pub method: Option<&'a str>,
    /// Without slashes at its ends; empty at the root; nothing where the entry has no namespace.
    pub namespace: Option<&'a str>,
    /// Without the namespace and without a closing slash.
    pub mount: &'a str,
    /// The path below the mount, without slashes at its ends.
    pub rest: &'a str,
}

/// Finds out where a request went.
pub fn place<'a>(request: &'a Request<'_>) -> Place<'a> {
    let namespace = namespace(request);
    let path = request.path.as_deref().unwrap_or_default().trim_start_matches('/');
    let kind = request.mount_type.as_deref().filter(|kind| !kind.is_empty());
    let is_auth = request.mount_class.as_deref() == Some("auth") || path.starts_with("auth/");
    let said = kind.map(|kind| engine(kind, is_auth));
    let mount = request
        .mount_point
        .as_deref()
        .map(|mount| without_namespace(mount, namespace.unwrap_or_default()).trim_end_matches('/'))
        .filter(|mount| !mount.is_empty() && below(path, mount).is_some());
    let (engine, mount) = match (said, mount) {
        (Some(engine), Some(mount)) => (engine, mount),
        _ => {
            let (engine, guessed) = infer(path, said);
            (engine, mount.unwrap_or(guessed))
        }
    };
    let rest = below(path, mount).unwrap_or_default().trim_end_matches('/');
    let method = (engine == Engine::Auth).then(|| kind.unwrap_or_else(|| method_of_mount(mount)));
    Place { engine, method, namespace, mount, rest }
}

/// The namespace that the request was made in.
pub fn namespace<'a>(request: &'a Request<'_>) -> Option<&'a str> {
    let namespace = request.namespace.as_ref()?;
    Some(namespace.path.as_deref().unwrap_or_default().trim_matches('/'))
}

fn without_namespace<'a>(mount: &'a str, namespace: &str) -> &'a str {
    match mount.strip_prefix(namespace) {
        Some(inner) if !namespace.is_empty() && inner.starts_with('/') => inner.trim_start_matches('/'),
        _ => mount,
    }
}

/// The path below a mount, where it is below it.
fn below<'a>(path: &'a str, mount: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(mount)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The engine of a `mount_type`; the namespaced builtins are called `ns_…`.
fn engine(kind: &str, is_auth: bool) -> Engine {
    match kind.strip_prefix("ns_").unwrap_or(kind) {
        "token" => Engine::Token,
        "system" => Engine::System,
        _ if is_auth => Engine::Auth,
        "transit" => Engine::Transit,
        "pki" => Engine::Pki,
        "ssh" => Engine::Ssh,
        "kv" | "generic" => Engine::Kv,
        "totp" => Engine::Totp,
        "identity" => Engine::Identity,
        "kmip" => Engine::KmipMount,
        _ => Engine::Irrelevant,
    }
}

/// An auth mount named after its method; `auth/approle-prod` is one too.
fn method_of_mount(mount: &str) -> &str {
    let name = mount.strip_prefix("auth/").unwrap_or(mount);
    METHODS.iter().find(|method| name.starts_with(**method)).copied().unwrap_or("auth")
}

/// The auth methods whose names stand at the start of their mounts' names.
pub const METHODS: &[&str] = &[
    "approle",
    "userpass",
    "kubernetes",
    "ldap",
    "oidc",
    "jwt",
    "cert",
    "aws",
    "gcp",
    "azure",
    "github",
    "okta",
    "radius",
    "kerberos",
];

/// Engine and mount from the path's shape; `said` is the engine where only the mount is missing.
fn infer(path: &str, said: Option<Engine>) -> (Engine, &str) {
    let first = first_segments(path, 1);
    match first {
        "sys" => return (Engine::System, first),
        "identity" => return (Engine::Identity, first),
        "cubbyhole" => return (Engine::Irrelevant, first),
        "auth" => {
            let mount = first_segments(path, 2);
            let engine = if mount == "auth/token" { Engine::Token } else { Engine::Auth };
            return (engine, mount);
        }
        _ => {}
    }
    let named = (1..=segment_count(path)).map(|count| first_segments(path, count)).find_map(|mount| {
        let last = mount.rsplit('/').next().unwrap_or(mount);
        named_after(last).map(|engine| (engine, mount))
    });
    match (said, named) {
        (Some(said), Some((engine, mount))) if said == engine => (said, mount),
        (Some(said), _) => (said, first),
        (None, Some(named)) => named,
        (None, None) => (by_verb(path.get(first.len() + 1..).unwrap_or_default()), first),
    }
}

fn segment_count(path: &str) -> usize {
    path.trim_end_matches('/').split('/').count().saturating_sub(1).clamp(1, MOUNT_SEGMENTS)
}

/// How many segments a mount's path is looked for in; deeper mounts need a `mount_point`.
const MOUNT_SEGMENTS: usize = 3;

fn first_segments(path: &str, count: usize) -> &str {
    path.match_indices('/')
        .nth(count.saturating_sub(1))
        .map_or(path, |(end, _)| path.get(..end).unwrap_or(path))
}

/// An engine named at the start of a word of a mount's name: `kv-v2`, `pki_int`, `team-transit`.
fn named_after(mount: &str) -> Option<Engine> {
    mount.split(['-', '_', '.']).find_map(|word| {
        let names = [
            ("transit", Engine::Transit),
            ("pki", Engine::Pki),
            ("ssh", Engine::Ssh),
            ("totp", Engine::Totp),
            ("kv", Engine::Kv),
            ("secret", Engine::Kv),
        ];
        names.iter().find(|(name, _)| word.starts_with(name)).map(|(_, engine)| *engine)
    })
}

fn by_verb(rest: &str) -> Engine {
    let (verb, name) = rest.split_once('/').unwrap_or((rest, ""));
    match verb {
        "encrypt" | "decrypt" | "rewrap" | "datakey" | "sign" | "verify" | "hmac" | "cmac" | "keys"
        | "export" | "backup" | "restore" | "byok-export" | "derive-key"
            if !name.is_empty() =>
        {
            Engine::Transit
        }
        "issue" | "sign-verbatim" | "root" | "intermediate" | "issuer" | "issuers" if !name.is_empty() => {
            Engine::Pki
        }
        "code" if !name.is_empty() => Engine::Totp,
        "data" | "metadata" | "undelete" | "destroy" | "subkeys" if !name.is_empty() => Engine::Kv,
        _ => Engine::Unknown,
    }
}
