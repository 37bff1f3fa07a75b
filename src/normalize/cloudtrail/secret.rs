//! The events of Secrets Manager calls. A secret is its own key: its ARN.

use super::super::Emit;
use super::arn::{Arn, first_in, join};
use super::call::Call;
use super::documents::Documents;
use crate::domain::event::{Category, KeyEvent};
use crate::domain::function::Function;
use crate::domain::reject::Reject;

/// The most secrets of one batch that become events. The API takes 20; the number of an event within
/// its record has 8 bits.
const MAX_BATCH: usize = 255;

/// Members of a request that carry a secret's value.
const VALUES: [&str; 2] = ["secretString", "secretBinary"];

/// The ARN of the secret called `name`: an ARN already, or a name, whose six random characters at the
/// end are then unknown.
fn secret_arn<'a>(call: &Call<'a>, name: &'a str) -> Option<&'a str> {
    if name.starts_with("arn:") {
        return Some(name);
    }
    call.home.arn("secretsmanager", join(call.arena, &["secret:", name]), call.arena)
}

fn is_secret(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.service == "secretsmanager")
}

fn put_secret<'a>(event: &mut KeyEvent<'a>, secret: Option<&'a str>) {
    let arn = secret.and_then(Arn::parse);
    event.key_id = secret;
    event.key_account = arn.map(|arn| arn.account);
    event.key_region = arn.map(|arn| arn.region);
}

/// The event of a call on one secret.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn one_secret(call: &Call<'_>, documents: Option<&Documents>, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let mut event = call.event.clone();
    let mut secret = None;
    for resource in call.resources()? {
        let arn = resource.arn.text("resources[].ARN")?;
        secret = secret.or(arn.filter(|arn| is_secret(arn)));
    }
    if secret.is_none() {
        secret = named_secret(call, documents)?;
    }
    put_secret(&mut event, secret);
    if documents.is_some_and(|documents| carries_a_value(call, documents)) {
        event.function = Some(Function::Store);
        event.category = Some(Category::Use);
    }
    emit(&event);
    Ok(1)
}

/// The ARN in the request or the answer, else the one in the error message, else the name completed.
fn named_secret<'a>(call: &Call<'a>, documents: Option<&Documents>) -> Result<Option<&'a str>, Reject> {
    let mut named = match call.request() {
        Some(request) => request.secret_id.text("requestParameters.secretId")?,
        None => None,
    };
    let mut answered = None;
    if let Some(documents) = documents {
        let name = documents.request_text("name")?;
        named = named.or(name.map(|name| &*call.arena.alloc_str(name)));
        let arn = documents.answered(&["/arn", "/aRN", "/ARN", "/SecretId", "/secretId"]);
        answered = arn.map(|arn| &*call.arena.alloc_str(arn));
    }
    let message = || call.event.error_message.and_then(|message| first_in(message, "secretsmanager"));
    let complete = |name: &&str| name.starts_with("arn:");
    Ok(named
        .filter(complete)
        .or(answered.filter(complete))
        .or_else(message)
        .or_else(|| named.or(answered).and_then(|name| secret_arn(call, name))))
}

/// Whether a secret was created or updated with a value. CloudTrail hides the value itself; that there
/// was one shows in its place, or in the version that it became.
fn carries_a_value(call: &Call<'_>, documents: &Documents) -> bool {
    matches!(call.event.action, Some("CreateSecret" | "UpdateSecret"))
        && (documents.request_has(&VALUES) || documents.answered(&["/versionId", "/VersionId"]).is_some())
}

/// The events of a batch: one for each secret that it lists. Which secrets a filter found shows only
/// in the calls of `GetSecretValue` that the service makes for it.
///
/// # Errors
/// Where a field that is read has another type than it may have.
pub fn batch(call: &Call<'_>, documents: &Documents, emit: &mut Emit<'_>) -> Result<u8, Reject> {
    let size = documents.request_list("secretIdList").count();
    if size == 0 {
        let event =
            KeyEvent { category: Some(Category::Read), function: Some(Function::Read), ..call.event.clone() };
        emit(&event);
        return Ok(1);
    }
    let mut ordinal = 0;
    for name in documents.request_list("secretIdList").take(MAX_BATCH) {
        let mut event = call.event.clone();
        event.ordinal = ordinal;
        event.batch_size = i64::try_from(size).ok();
        put_secret(&mut event, secret_arn(call, call.arena.alloc_str(name)));
        emit(&event);
        ordinal += 1;
    }
    Ok(ordinal)
}
