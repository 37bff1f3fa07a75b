//! The events of the other services: certificates, code signing, object encryption, sharing.

use serde_json::Value;

use super::super::Emit;
use super::arn::{Arn, first_in, join};
use super::call::Call;
use super::documents::Documents;
use super::kms::{KmsKey, is_alias, key_arn};
use crate::domain::event::KeyEvent;
use crate::domain::function::Function;
use crate::domain::reject::Reject;

/// The most shared resources of one call that become events: the number of an event within its record
/// has 8 bits.
const MAX_SHARED: usize = 255;

/// The S3 headers that name the KMS key of an object, and the algorithm of a key that the caller
/// brings (Amazon S3 API reference, `PutObject`).
const OBJECT_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const OBJECT_ALGORITHM: &str = "x-amz-server-side-encryption";
const CALLERS_KEY_ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";

/// The event of a call that names no key.
pub fn no_key(call: &Call<'_>, emit: &mut Emit<'_>) -> u8 {
    let mut event = call.event.clone();
    event.attestation = call.attestation();
    emit(&event);
    1
}

fn put_key<'a>(event: &mut KeyEvent<'a>, key: Option<&'a str>) {
    let known = |part: &'a str| Some(part).filter(|part| !part.is_empty());
    let arn = key.and_then(Arn::parse);
    event.key_id = key;
    event.key_account = arn.and_then(|arn| known(arn.account));
    event.key_region = arn.and_then(|arn| known(arn.region));
}

/// The event of a call on a thing that has an ARN of its own.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn certificate(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let answers = ["/certificateArn", "/serverCertificateMetadata/arn"];
    by_arn(call, documents, &["certificateArn"], &answers, emit)
}

/// The event of a call on a private certificate authority.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn authority(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let names = ["certificateAuthorityArn", "resourceArn"];
    by_arn(call, documents, &names, &["/certificateAuthorityArn"], emit)
}

fn by_arn(
    call: &Call<'_>,
    documents: &Documents,
    names: &[&str],
    answers: &[&str],
    emit: &mut Emit<'_>,
) -> Result<u8, Reject> {
    let mut key = None;
    for name in names {
        key = key.or(documents.request_text(name)?);
    }
    let key = key.or_else(|| documents.answered(answers)).map(|key| &*call.arena.alloc_str(key));
    let service = call.event.service.unwrap_or_default();
    let message = || call.event.error_message.and_then(|message| first_in(message, service));
    let mut event = call.event.clone();
    put_key(&mut event, key.or_else(message));
    if event.function == Some(Function::Certify) {
        let algorithm = documents.request_text("signingAlgorithm")?;
        event.algorithm = algorithm.map(|algorithm| &*call.arena.alloc_str(algorithm));
    }
    emit(&event);
    Ok(1)
}

/// The event of a call on a code-signing profile, by the profile's ARN without a version.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn profile(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let mut home = call.home;
    if let Some(owner) = documents.request_text("profileOwner")? {
        home.account = call.arena.alloc_str(owner);
    }
    let name = documents.request_text("profileName")?;
    let key =
        name.and_then(|name| home.arn("signer", join(call.arena, &["/signing-profiles/", name]), call.arena));
    let mut event = call.event.clone();
    put_key(&mut event, key);
    emit(&event);
    Ok(1)
}

/// The event of a call that encrypts an object or a bucket under a KMS key, or an object under a key
/// that the caller brings; none where S3's own key does.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn object_key(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let (key, algorithm) = if call.event.action == Some("PutBucketEncryption") {
        bucket_encryption(&documents.request_parameters)
    } else {
        object_encryption(documents)
    };
    let in_arena = |text: &str| &*call.arena.alloc_str(text);
    let key = key.map(in_arena).and_then(|name| key_arn(call, name));
    let mut event = call.event.clone();
    let alias = key.filter(|arn| is_alias(arn));
    KmsKey { id: key, alias, by_alias: alias.is_some() }.on(&mut event);
    event.algorithm = algorithm.map(in_arena);
    let ours = key.is_some() || algorithm.is_some();
    if ours {
        emit(&event);
    }
    Ok(u8::from(ours))
}

fn object_encryption(documents: &Documents) -> (Option<&str>, Option<&str>) {
    let header = |name: &str| {
        let sides = [&documents.request_parameters, &documents.response_elements];
        sides.into_iter().find_map(|side| header_text(side.get(name)?))
    };
    let kms = header(OBJECT_ALGORITHM).filter(|algorithm| algorithm.starts_with("aws:kms"));
    (header(OBJECT_KEY), header(CALLERS_KEY_ALGORITHM).or(kms))
}

/// Headers come as text, query parameters as a list of texts.
fn header_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get(0)?.as_str()).filter(|text| !text.is_empty())
}

fn bucket_encryption(request: &Value) -> (Option<&str>, Option<&str>) {
    let rules = request.pointer("/ServerSideEncryptionConfiguration/Rule");
    let rule = rules.and_then(|rules| rules.get(0).or(Some(rules)));
    let default = rule.and_then(|rule| rule.get("ApplyServerSideEncryptionByDefault"));
    let text = |name: &str| default.and_then(|default| default.get(name)?.as_str());
    let algorithm = text("SSEAlgorithm").filter(|algorithm| algorithm.starts_with("aws:kms"));
    (text("KMSMasterKeyID"), algorithm)
}

/// The events of a call that shares resources with other accounts: one for each key and secret.
pub fn shared(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> u8 {
    let ours = |arn: &&str| {
        Arn::parse(arn).is_some_and(|arn| matches!(arn.service, "kms" | "secretsmanager" | "acm-pca"))
    };
    let mut ordinal = 0;
    for arn in documents.request_list("resourceArns").filter(ours).take(MAX_SHARED) {
        let mut event = call.event.clone();
        event.ordinal = ordinal;
        put_key(&mut event, Some(call.arena.alloc_str(arn)));
        emit(&event);
        ordinal += 1;
    }
    ordinal
}
