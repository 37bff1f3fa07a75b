//! The events of KMS calls: uses, reads and changes of keys and aliases.

use super::super::Emit;
use super::arn::{Arn, first_in, join};
use super::call::Call;
use super::documents::Documents;
use super::few::Pairs;
use super::field::Field;
use super::record::Request;
use crate::domain::event::{AliasFact, KeyEvent};
use crate::domain::function::Function;
use crate::domain::reject::Reject;

/// A KMS key as a call names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KmsKey<'a> {
    /// The ARN of the key; that of the alias where only the alias is known.
    pub id: Option<&'a str>,
    pub alias: Option<&'a str>,
    pub by_alias: bool,
}

impl<'a> KmsKey<'a> {
    fn of(id: Option<&'a str>, alias: Option<&'a str>) -> Self {
        Self { id: id.or(alias), alias, by_alias: id.is_none() && alias.is_some() }
    }

    /// Puts the key on an event.
    pub fn on(self, event: &mut KeyEvent<'a>) {
        let arn = self.id.and_then(Arn::parse);
        event.key_id = self.id;
        event.key_alias = self.alias;
        event.key_by_alias = self.by_alias;
        event.key_account = arn.map(|arn| arn.account);
        event.key_region = arn.map(|arn| arn.region);
    }
}

/// The ARN of the key or alias that a request calls `name`: an ARN, `alias/…`, or a bare id.
pub fn key_arn<'a>(call: &Call<'a>, name: &'a str) -> Option<&'a str> {
    if name.starts_with("arn:") {
        Some(name)
    } else if name.starts_with("alias/") {
        call.home.arn("kms", name, call.arena)
    } else {
        call.home.arn("kms", join(call.arena, &["key/", name]), call.arena)
    }
}

/// Whether an ARN is that of an alias.
pub fn is_alias(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.resource.starts_with("alias/"))
}

/// An ARN as that of an alias or as that of a key.
fn alias_or_key(arn: Option<&str>) -> (Option<&str>, Option<&str>) {
    if arn.is_some_and(is_alias) { (arn, None) } else { (None, arn) }
}

/// The keys and the alias among the resources. Both are typed `AWS::KMS::Key`, in either order.
#[derive(Debug, Default)]
struct Resources<'a> {
    first: Option<&'a str>,
    second: Option<&'a str>,
    alias: Option<&'a str>,
}

impl<'a> Resources<'a> {
    fn of(call: &Call<'a>) -> Result<Self, Reject> {
        let mut found = Self::default();
        for resource in call.resources()? {
            let Some(arn) = resource.arn.text("resources[].ARN")? else { continue };
            let place = if is_alias(arn) {
                &mut found.alias
            } else if found.first.is_none() {
                &mut found.first
            } else {
                &mut found.second
            };
            place.get_or_insert(arn);
        }
        Ok(found)
    }
}

/// The key that an error message names: a denied call often names it nowhere else.
fn key_of_message<'a>(call: &Call<'a>) -> Option<&'a str> {
    call.event.error_message.and_then(|message| first_in(message, "kms"))
}

/// The event of a call on one key, or on none.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn one_key(call: &Call<'_>, documents: Option<&Documents>, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let resources = Resources::of(call)?;
    let request = call.request();
    let named = match request {
        Some(request) => request.key_id.text("requestParameters.keyId")?,
        None => None,
    };
    // Nearly always the request calls the key what the resources call it.
    let named = named.and_then(|name| key_arn(call, name)).filter(|arn| resources.first != Some(arn));
    let (named_alias, named_key) = alias_or_key(named);
    let alias = resources.alias.or(named_alias);
    let answered = || documents.and_then(|documents| answered_key(call, documents));
    let known = resources.first.or(named_key);
    let id = known.or_else(answered).or_else(|| key_of_message(call).filter(|arn| !is_alias(arn)));
    let alias = alias.or_else(|| key_of_message(call).filter(|arn| id.is_none() && is_alias(arn)));

    let mut event = call.event.clone();
    KmsKey::of(id, alias).on(&mut event);
    event.alias_fact = match (alias, resources.first) {
        (Some(alias), Some(key)) => Some(AliasFact { alias, key: Some(key) }),
        _ => None,
    };
    event.wrap_plaintext = (event.function == Some(Function::Wrap))
        .then(|| !event.action.is_some_and(|action| action.ends_with("WithoutPlaintext")));
    if let Some(request) = request {
        put_request(call, request, &mut event)?;
    }
    event.key_material = call.additional().and_then(|additional| additional.key_material_id.lenient());
    event.attestation = call.attestation();
    if let Some(material) = documents.and_then(|documents| documents.answered(&["/currentKeyMaterialId"])) {
        event.key_material = event.key_material.or(Some(material));
    }
    emit(&event);
    Ok(1)
}

/// The key that the answer to a change names, or the details of a service event.
fn answered_key<'a>(call: &Call<'a>, documents: &Documents) -> Option<&'a str> {
    let name = documents.answered(&["/keyMetadata/arn", "/keyId"])?;
    key_arn(call, call.arena.alloc_str(name)).filter(|arn| !is_alias(arn))
}

fn put_request<'a>(
    call: &Call<'a>,
    request: &'a Request<'a>,
    event: &mut KeyEvent<'a>,
) -> Result<(), Reject> {
    if event.function == Some(Function::Read) || event.function == Some(Function::Manage) {
        return Ok(());
    }
    let algorithms = [
        (&request.encryption_algorithm, "requestParameters.encryptionAlgorithm"),
        (&request.signing_algorithm, "requestParameters.signingAlgorithm"),
        (&request.mac_algorithm, "requestParameters.macAlgorithm"),
        (&request.key_agreement_algorithm, "requestParameters.keyAgreementAlgorithm"),
        (&request.encapsulation_algorithm, "requestParameters.encapsulationAlgorithm"),
    ];
    for (algorithm, name) in algorithms {
        event.algorithm = event.algorithm.or(algorithm.text(name)?);
    }
    put_context(call, &request.encryption_context, "requestParameters.encryptionContext", event)
}

/// Puts an encryption context on the event, and the service that it tells of.
fn put_context<'a>(
    call: &Call<'a>,
    context: &'a Field<Pairs<'a>>,
    name: &str,
    event: &mut KeyEvent<'a>,
) -> Result<(), Reject> {
    let Some(pairs) = context.read(name)? else { return Ok(()) };
    let mut held = bumpalo::collections::Vec::with_capacity_in(pairs.len(), call.arena);
    held.extend(pairs.iter());
    event.context = Some(held.into_bump_slice());
    event.via = Some(call.via(|name| pairs.iter().any(|(given, _)| given == name)));
    Ok(())
}

/// The two events of a re-encryption: the source is read back, the destination protects.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn two_keys(call: &Call<'_>, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let resources = Resources::of(call)?;
    let (source_name, destination_name) = match call.request() {
        Some(request) => (
            request.source_key_id.text("requestParameters.sourceKeyId")?,
            request.destination_key_id.text("requestParameters.destinationKeyId")?,
        ),
        None => (None, None),
    };
    let (first, second) = sides(&resources, destination_name);
    let (denied_source, denied_destination) = sides_of_message(call);
    let source = side(call, first, source_name, denied_source);
    let destination = side(call, second, destination_name, denied_destination);

    let mut from = call.event.clone();
    source.on(&mut from);
    from.other_key_id = destination.id;
    from.alias_fact = side_fact(source);
    let mut to = call.event.clone();
    to.ordinal = 1;
    to.function = Some(Function::ReencryptTo);
    destination.on(&mut to);
    to.other_key_id = source.id;
    to.alias_fact = side_fact(destination);
    put_sides(call, &mut from, &mut to)?;
    emit(&from);
    emit(&to);
    Ok(2)
}

/// The resources stand in the order source, destination. A lone one, as in a key owner's copy of a
/// cross-account call, is the destination where the request calls it that.
fn sides<'a>(
    resources: &Resources<'a>,
    destination_name: Option<&str>,
) -> (Option<&'a str>, Option<&'a str>) {
    match (resources.first, resources.second) {
        (Some(only), None) if destination_name.is_some_and(|name| names(only, name)) => (None, Some(only)),
        sides => sides,
    }
}

/// Whether `name`, an ARN or a bare id, is that of the key `arn`.
fn names(arn: &str, name: &str) -> bool {
    arn.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with(":key/"))
}

/// A denied re-encryption names its key in the message, and the permission that was missing for it.
fn sides_of_message<'a>(call: &Call<'a>) -> (Option<&'a str>, Option<&'a str>) {
    let key = key_of_message(call).filter(|arn| !is_alias(arn));
    let message = call.event.error_message.unwrap_or_default();
    if message.contains("kms:ReEncryptTo") { (None, key) } else { (key, None) }
}

fn side<'a>(
    call: &Call<'a>,
    resource: Option<&'a str>,
    name: Option<&'a str>,
    denied: Option<&'a str>,
) -> KmsKey<'a> {
    let named = name.and_then(|name| key_arn(call, name));
    let alias = named.filter(|arn| is_alias(arn));
    KmsKey::of(resource.or(named.filter(|arn| !is_alias(arn))).or(denied), alias)
}

fn side_fact(key: KmsKey<'_>) -> Option<AliasFact<'_>> {
    let alias = key.alias.filter(|_| !key.by_alias)?;
    Some(AliasFact { alias, key: key.id })
}

fn put_sides<'a>(call: &Call<'a>, from: &mut KeyEvent<'a>, to: &mut KeyEvent<'a>) -> Result<(), Reject> {
    if let Some(request) = call.request() {
        let (source, destination) =
            (&request.source_encryption_algorithm, &request.destination_encryption_algorithm);
        from.algorithm = source.text("requestParameters.sourceEncryptionAlgorithm")?;
        to.algorithm = destination.text("requestParameters.destinationEncryptionAlgorithm")?;
        let name = "requestParameters.sourceEncryptionContext";
        put_context(call, &request.source_encryption_context, name, from)?;
        let name = "requestParameters.destinationEncryptionContext";
        put_context(call, &request.destination_encryption_context, name, to)?;
    }
    if let Some(additional) = call.additional() {
        from.key_material = additional.source_key_material_id.lenient();
        to.key_material = additional.destination_key_material_id.lenient();
    }
    Ok(())
}

/// The event of a change to an alias.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn alias(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let resources = Resources::of(call)?;
    let in_arena = |name: Option<&str>| {
        let name: Option<&str> = name.map(|name| &*call.arena.alloc_str(name));
        name.and_then(|name| key_arn(call, name))
    };
    let named = in_arena(documents.request_text("aliasName")?);
    let target = in_arena(documents.request_text("targetKeyId")?);
    let alias = resources.alias.or(named);
    let message = || key_of_message(call).filter(|arn| !is_alias(arn));
    let id = resources.first.or(target).or_else(message);

    let mut event = call.event.clone();
    KmsKey::of(id, alias).on(&mut event);
    let gone = event.action == Some("DeleteAlias");
    event.alias_fact = alias
        .filter(|_| call.succeeded() && (gone || id.is_some()))
        .map(|alias| AliasFact { alias, key: id.filter(|_| !gone) });
    emit(&event);
    Ok(1)
}
