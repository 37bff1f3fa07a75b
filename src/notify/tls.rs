//! TLS for what is no HTTP: mail and syslog.

use std::path::Path;

use tokio_native_tls::TlsConnector;

/// Certificates of a file, PEM: one after the other.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// Why there is no encryption.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("could not read the certificates in {path}: {cause}")]
    Unreadable { path: String, cause: std::io::Error },
    #[error("{path} holds no certificate: write PEM")]
    Nothing { path: String },
    #[error("TLS: {0}")]
    Tls(#[from] native_tls::Error),
}

/// A connector that trusts these authorities, or the system's.
pub(super) fn connector(authorities: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let mut builder = native_tls::TlsConnector::builder();
    if let Some(path) = authorities {
        for pem in certificates(path)? {
            builder.add_root_certificate(native_tls::Certificate::from_pem(pem.as_bytes())?);
        }
        builder.disable_built_in_roots(true);
    }
    Ok(builder.build()?.into())
}

/// The certificates of a file, each by itself.
pub(super) fn certificates(path: &Path) -> Result<Vec<String>, TlsError> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|cause| TlsError::Unreadable { path: name.clone(), cause })?;
    let found: Vec<String> = text.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{rest}")).collect();
    if found.is_empty() { Err(TlsError::Nothing { path: name }) } else { Ok(found) }
}
