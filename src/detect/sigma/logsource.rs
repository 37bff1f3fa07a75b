//! Whose records a rule is about.

use rsigma_parser::LogSource;

use super::condition::Trouble;
use crate::domain::event::Provider;

/// Products whose audit entries are of Vault's form.
const VAULT_PRODUCTS: [&str; 5] = ["vault", "hashicorp", "hashicorp_vault", "hashicorp-vault", "openbao"];

/// The provider of a log source.
///
/// # Errors
/// That keyward does not read it.
pub fn provider(source: &LogSource) -> Result<Provider, Trouble> {
    let lower = |word: &Option<String>| word.as_deref().map(str::to_lowercase);
    let (product, service) = (lower(&source.product), lower(&source.service));
    let is_audit = matches!(service.as_deref(), None | Some("audit" | "vault" | "openbao"));
    match (product.as_deref(), service.as_deref()) {
        (Some("aws") | None, Some("cloudtrail")) | (Some("aws"), None) => Ok(Provider::Aws),
        (Some(product), _) if VAULT_PRODUCTS.contains(&product) && is_audit => Ok(Provider::Vault),
        (None, Some("vault" | "openbao")) => Ok(Provider::Vault),
        _ => Err(Trouble::unsupported(format!("keyward reads no such log: {}", shown(source)))),
    }
}

fn shown(source: &LogSource) -> String {
    let parts = [("product", &source.product), ("service", &source.service), ("category", &source.category)];
    let parts: Vec<_> =
        parts.iter().filter_map(|(name, word)| word.as_ref().map(|word| format!("{name} {word}"))).collect();
    if parts.is_empty() { "no log source is named".to_owned() } else { parts.join(", ") }
}
