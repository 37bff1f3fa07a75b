//! The auth method that a caller came through, and the caller's name in it.
//!
//! In: the token's metadata, which the method wrote, and its display name, which begins with the mount.
//! Out: method, name, and mount where it can be told. The table is in [`super::principal`].

use super::json::Json;
use super::mount::METHODS;
use super::principal::{filled, join};
use crate::normalize::Arena;

/// A caller's name in an auth method; the mount is empty where the display name does not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    pub method: &'static str,
    pub name: &'a str,
    pub mount: &'a str,
}

/// Who the metadata says it is, or nothing where no known method wrote it.
pub fn identity<'a>(metadata: &'a Json<'_>, display: &'a str, arena: &'a Arena) -> Option<Identity<'a>> {
    let field = |name: &str| filled(metadata.text(name));
    service_account(metadata, display, arena)
        .or_else(|| Some(Identity { method: "approle", name: field("role_name")?, mount: display }))
        .or_else(|| by_claim(field("role")?, display, &["oidc", "jwt"]))
        .or_else(|| {
            let name = field("cert_name")?;
            let mount = mount_before(display, field("common_name").unwrap_or(name), "cert");
            Some(Identity { method: "cert", name, mount })
        })
        .or_else(|| cloud(metadata, display))
        .or_else(|| {
            let (method, user) = (user_method(metadata, display), field("username")?);
            Some(Identity { method, name: user, mount: mount_before(display, user, method) })
        })
        .or_else(|| by_claim(field("role")?, display, &["kubernetes", "gcp", "azure", "aws"]))
        .or_else(|| Some(Identity { method: "jwt", name: field("role")?, mount: "" }))
}

/// Whether a mount's name begins with a method's.
pub fn starts_like_one(mount: &str) -> bool {
    METHODS
        .iter()
        .any(|method| mount.strip_prefix(method).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

fn service_account<'a>(metadata: &'a Json<'_>, display: &'a str, arena: &'a Arena) -> Option<Identity<'a>> {
    let account = filled(metadata.text("service_account_name"))?;
    let space = filled(metadata.text("service_account_namespace"))?;
    let mount = mount_before(display, join(arena, &[space, "-", account]), "kubernetes");
    Some(Identity { method: "kubernetes", name: join(arena, &[space, "/", account]), mount })
}

/// The cloud methods; what follows the mount in their display names varies, so it is only told where it
/// is the method's own.
fn cloud<'a>(metadata: &'a Json<'_>, display: &'a str) -> Option<Identity<'a>> {
    let field = |name: &str| filled(metadata.text(name));
    let arn = || field("auth_type").and(field("canonical_arn").or(field("client_arn")));
    let (method, name) = if let Some(arn) = arn() {
        ("aws", arn)
    } else if let Some(email) = field("service_account_email") {
        ("gcp", email)
    } else {
        ("azure", field("subscription_id").and(field("role"))?)
    };
    Some(Identity { method, name, mount: own_mount(display, method) })
}

/// A mount named after one of these methods: the display name ends with the claim that names the user.
fn by_claim<'a>(role: &'a str, display: &'a str, methods: &[&'static str]) -> Option<Identity<'a>> {
    let method = methods.iter().find(|method| display.split('-').any(|word| word == **method)).copied()?;
    let claim = display.strip_prefix(method).and_then(|rest| rest.strip_prefix('-'));
    let name = if matches!(method, "oidc" | "jwt") { claim.unwrap_or(role) } else { role };
    Some(Identity { method, name, mount: own_mount(display, method) })
}

/// The display name without the part that the method itself gave.
fn mount_before<'a>(display: &'a str, own: &str, method: &'static str) -> &'a str {
    match display.strip_suffix(own) {
        Some(mount) => mount.strip_suffix('-').unwrap_or(mount),
        None => own_mount(display, method),
    }
}

/// The method's name where the display name begins with it; what follows cannot be told from a mount.
fn own_mount(display: &str, method: &'static str) -> &'static str {
    if display.starts_with(method) { method } else { "" }
}

/// LDAP, Okta and RADIUS write the same metadata as userpass; only the mount's name tells them apart.
fn user_method(metadata: &Json<'_>, display: &str) -> &'static str {
    if metadata.get("org").is_some() {
        return "github";
    }
    let named = |method: &str| display.split('-').any(|word| word == method);
    let methods = ["ldap", "okta", "radius", "kerberos", "github"];
    methods.into_iter().find(|method| named(method)).unwrap_or("userpass")
}
