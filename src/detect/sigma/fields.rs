//! Which column or member of the record a field of a rule is.
//!
//! A column stands for a field only where both hold the same text for every record of the provider. All
//! other fields are read from the record by their path.

use crate::domain::event::Provider;
use crate::table::columns::Column;

/// Fields of CloudTrail's records that columns hold as they are. `eventSource` is in `service`, without
/// `.amazonaws.com`; a source of the Chinese partition, `.amazonaws.com.cn`, is taken for the other.
pub const AWS_COLUMNS: &[(&str, Column)] = &[
    ("awsRegion", Column::Region),
    ("errorCode", Column::ErrorCode),
    ("errorMessage", Column::ErrorMessage),
    ("eventName", Column::Action),
    ("eventSource", Column::Service),
    ("requestID", Column::RequestId),
    ("sharedEventID", Column::SharedEventId),
    ("sourceIPAddress", Column::SourceIp),
    ("userAgent", Column::UserAgent),
    ("userIdentity.accessKeyId", Column::CredentialId),
    ("userIdentity.type", Column::PrincipalType),
    ("vpcEndpointId", Column::VpcEndpoint),
];

/// Columns that correlations group and count by, where none is exact: principals are roles rather than
/// their sessions, keys are canonical names.
pub const AWS_GROUPS: &[(&str, Column)] = &[
    ("recipientAccountId", Column::Account),
    ("requestParameters.keyId", Column::KeyId),
    ("requestParameters.secretId", Column::KeyId),
    ("resources.ARN", Column::KeyId),
    ("resources.arn", Column::KeyId),
    ("userIdentity.accountId", Column::PrincipalAccount),
    ("userIdentity.arn", Column::Principal),
    ("userIdentity.principalId", Column::Principal),
    ("userIdentity.sessionContext.sessionIssuer.arn", Column::Principal),
    ("userIdentity.sessionContext.sourceIdentity", Column::SourceIdentity),
    ("userIdentity.userName", Column::Principal),
];

/// The same for Vault's and OpenBao's entries, of whose fields no column is an exact copy.
pub const VAULT_GROUPS: &[(&str, Column)] = &[
    ("auth.accessor", Column::CredentialId),
    ("auth.display_name", Column::Principal),
    ("auth.entity_id", Column::EntityId),
    ("request.client_token_accessor", Column::CredentialId),
    ("request.mount_type", Column::Service),
    ("request.namespace.path", Column::Namespace),
    ("request.remote_address", Column::SourceIp),
];

/// The column that holds exactly what `field` does.
pub fn column(provider: Provider, field: &str) -> Option<Column> {
    match provider {
        Provider::Aws => find(AWS_COLUMNS, field),
        Provider::Vault => None,
    }
}

/// The column to group or count by for `field`; our own columns are taken by their names too.
pub fn group(provider: Provider, field: &str) -> Option<Column> {
    let known = match provider {
        Provider::Aws => find(AWS_COLUMNS, field).or_else(|| find(AWS_GROUPS, field)),
        Provider::Vault => find(VAULT_GROUPS, field),
    };
    known.or_else(|| crate::detect::requirement::named_column(field).ok())
}

fn find(table: &[(&str, Column)], field: &str) -> Option<Column> {
    table.iter().find(|(name, _)| *name == field).map(|(_, column)| *column)
}
