//! The one list of columns of a key event: name, type, sentence, and the OCSF and ECS names beside ours.
//!
//! The Arrow schema, the builder, the reader, the documentation and `keyward columns` all come from it.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// How a column's values are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of few distinct values: dictionary-encoded.
    Word,
    /// Text that is nearly always another one.
    Text,
    /// A list of words.
    Words,
    Time,
    Integer,
    Flag,
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Word => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Self::Text => DataType::Utf8,
            Self::Words => DataType::List(Arc::new(Field::new("item", DataType::Utf8, false))),
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Integer => DataType::Int64,
            Self::Flag => DataType::Boolean,
        }
    }

    /// The type as SQL and the documentation call it.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Word | Self::Text => "text",
            Self::Words => "list of text",
            Self::Time => "timestamp",
            Self::Integer => "bigint",
            Self::Flag => "boolean",
        }
    }
}

/// Who fills a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The normalizer and the join step, from the log.
    Log,
    /// The judge, from the catalog.
    Judge,
}

/// One column's description.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub column: Column,
    pub name: &'static str,
    pub kind: Kind,
    pub nullable: bool,
    pub stage: Stage,
    /// One sentence for people.
    pub about: &'static str,
    /// The OCSF attribute (API Activity, class 6003) with the same meaning, or empty.
    pub ocsf: &'static str,
    /// The ECS field with the same meaning, or empty.
    pub ecs: &'static str,
}

macro_rules! columns {
    ($( $stage:ident $column:ident $name:literal $kind:ident $null:ident, $about:literal, $ocsf:literal, $ecs:literal; )+) => {
        /// A column of the key-event table, in table order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Column { $( $column ),+ }

        /// Every column, in table order.
        pub const COLUMNS: &[Spec] = &[ $( Spec {
            column: Column::$column,
            name: $name,
            kind: Kind::$kind,
            nullable: columns!(@null $null),
            stage: Stage::$stage,
            about: $about,
            ocsf: $ocsf,
            ecs: $ecs,
        } ),+ ];

        impl Column {
            /// The column's name in SQL, YAML and JSON.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$column => $name ),+ }
            }
        }
    };
    (@null optional) => { true };
    (@null required) => { false };
}

columns! {
    Log EventId "event_id" Text required, "CloudTrail's eventID or Vault's request.id; a hash of the record where it has none.", "metadata.uid", "event.id";
    Log EventTime "event_time" Time required, "When the call completed, by the log's own clock.", "time", "@timestamp";
    Log IngestedAt "ingested_at" Time required, "When keyward read the record.", "metadata.logged_time", "event.ingested";
    Log Ordinal "ordinal" Integer required, "Which event of its record this is: a ReEncrypt is two, a batch read one per secret.", "", "event.sequence";
    Log Provider "provider" Word required, "aws or vault (OpenBao and Vault write the same format).", "cloud.provider", "cloud.provider";
    Log Source "source" Word required, "The file, topic or endpoint that the record came from.", "metadata.log_name", "log.file.path";
    Log Position "position" Integer required, "Where in its source the record begins: a byte of the decompressed stream.", "", "log.offset";
    Log Device "device" Word optional, "The audit device or trail, where the source names it.", "metadata.logged_device", "";
    Log SharedEventId "shared_event_id" Text optional, "Links the two copies of a cross-account call.", "metadata.correlation_uid", "aws.cloudtrail.shared_event_id";
    Log RequestId "request_id" Text optional, "The provider's id of the request, for its support and other logs.", "api.request.uid", "aws.cloudtrail.request_id";
    Log Corrects "corrects" Text optional, "The event_id of the event that this addendum corrects.", "", "";
    Log Addendum "addendum" Word optional, "Why CloudTrail delivered an addendum.", "", "";
    Log Conflicts "conflicts" Flag required, "Another event with this id and other content came before it.", "", "";

    Log Service "service" Word required, "The service or secrets engine: kms, secretsmanager, transit, pki.", "api.service.name", "event.provider";
    Log Action "action" Word required, "The operation: CloudTrail's eventName, or engine.operation for Vault.", "api.operation", "event.action";
    Log Category "category" Word required, "What the event touches: use, read, key, access or logging.", "category_name", "event.category";
    Log Function "function" Word optional, "What was done with the key, in KMIP usage-mask terms.", "unmapped.key_purpose.function", "keypurpose.function";
    Log Outcome "outcome" Word required, "success, denied, refused, dry_run, check_failed, partial, failed or unknown.", "status", "event.outcome";
    Log ErrorCode "error_code" Word optional, "The provider's error code.", "status_code", "error.code";
    Log ErrorMessage "error_message" Text optional, "The provider's error text.", "status_detail", "error.message";

    Log KeyId "key_id" Word optional, "The key's canonical name: a KMS key or secret ARN, or vault:[namespace/]mount/name.", "resources.uid", "target.entity.id";
    Log KeyAlias "key_alias" Word optional, "The alias ARN that the call named.", "resources.name", "";
    Log KeyByAlias "key_by_alias" Flag required, "Only the alias is known: the key behind it is not in the log.", "", "";
    Log KeyAccount "key_account" Word optional, "The account or namespace that owns the key.", "resources.owner.account.uid", "";
    Log KeyRegion "key_region" Word optional, "The region of the key.", "resources.region", "";
    Log KeyVersion "key_version" Integer optional, "The key's version that was used, where the log shows it.", "", "";
    Log KeyMaterial "key_material" Word optional, "The id of the key material that KMS used.", "", "";
    Log OtherKeyId "other_key_id" Word optional, "The other key of a re-encryption or wrapped export.", "", "";
    Log Algorithm "algorithm" Word optional, "The algorithm as the log names it; hashed where the audit device hides it.", "encryption_details.algorithm", "";
    Log Context "context" Text optional, "The encryption context as a JSON object; values are hashed where the audit device hides them.", "unmapped.key_purpose.encryption_context", "keypurpose.encryption_context";
    Log ContextKeys "context_keys" Word optional, "The names in the encryption context, sorted, with commas between.", "", "";
    Log Attestation "attestation" Word optional, "The enclave image digest that the call proved.", "", "";
    Log WrapPlaintext "wrap_plaintext" Flag optional, "Whether a data key was handed out in clear.", "", "";
    Log BatchSize "batch_size" Integer optional, "How many items a batch call carried.", "", "";

    Log Principal "principal" Word optional, "Who called: a role, user, service or account, or auth/MOUNT#METHOD:NAME.", "actor.user.uid", "user.id";
    Log PrincipalType "principal_type" Word optional, "The kind of identity, in the provider's word.", "actor.user.type", "aws.cloudtrail.user_identity.type";
    Log PrincipalAccount "principal_account" Word optional, "The caller's account or home namespace.", "actor.user.account.uid", "";
    Log SessionName "session_name" Text optional, "The name of the role session, or the token's display name.", "actor.session.uid_alt", "";
    Log SourceIdentity "source_identity" Word optional, "The original identity behind chained roles.", "actor.session.issuer", "";
    Log Mfa "mfa" Flag optional, "Whether the session was authenticated with a second factor.", "actor.session.is_mfa", "";
    Log CredentialKind "credential_kind" Word optional, "What the caller authenticated with.", "actor.user.credential_type", "";
    Log CredentialId "credential_id" Text optional, "The access key id, or the token accessor as the log shows it.", "actor.user.credential_uid", "aws.cloudtrail.user_identity.access_key_id";
    Log CallerKind "caller_kind" Word required, "workload, human, service, root or unknown.", "", "";
    Log CallerRule "caller_rule" Word optional, "The rule that told the kind of caller.", "", "";
    Log EntityId "entity_id" Word optional, "Vault's identity entity.", "actor.user.uid_alt", "";
    Log Via "via" Word optional, "direct, the AWS service that made the call for the caller, or unknown.", "actor.app_name", "";

    Log Account "account" Word optional, "The account that received this copy of the event.", "cloud.account.uid", "cloud.account.id";
    Log Region "region" Word optional, "The region asked.", "cloud.region", "cloud.region";
    Log Namespace "namespace" Word optional, "The Vault namespace of the request, without the closing slash; empty at the root.", "cloud.project_uid", "";
    Log SourceIp "source_ip" Word optional, "The caller's address as the log has it; not always an address.", "src_endpoint.ip", "source.address";
    Log VpcEndpoint "vpc_endpoint" Word optional, "The VPC endpoint that the call came through.", "src_endpoint.uid", "aws.cloudtrail.vpc_endpoint_id";
    Log UserAgent "user_agent" Word optional, "The client's own description of itself.", "http_request.user_agent", "user_agent.original";
    Log TlsVersion "tls_version" Word optional, "The TLS version, as 1.2 or 1.3.", "tls.version", "tls.version";
    Log TlsKeyExchange "tls_key_exchange" Word optional, "The TLS key exchange.", "tls.key_exchange", "";

    Log Request "request" Text optional, "What a key, access or logging change asked for: a JSON object, secrets redacted.", "api.request.data", "aws.cloudtrail.request_parameters";
    Log Response "response" Text optional, "What such a change answered: a JSON object, secrets redacted.", "api.response.data", "aws.cloudtrail.response_elements";
    Log Record "record" Text optional, "Members of the raw record that loaded detectors read beside the columns: a JSON object by path, secrets redacted; null where none reads any.", "", "";

    Judge Verdict "verdict" Word required, "conforming, violation, undeclared, unknown or not_applicable.", "unmapped.key_purpose.verdict", "keypurpose.verdict";
    Judge Violations "violations" Words required, "The aspects that do not fit the declaration.", "", "";
    Judge Unknowns "unknowns" Words required, "The aspects that the log hides.", "", "";
    Judge Assessed "assessed" Words required, "The aspects that were tested.", "", "";
    Judge Waived "waived" Words required, "The aspects that an exception lifted.", "", "";
    Judge ExceptionId "exception_id" Word optional, "The exception that lifted them.", "", "";
    Judge Reason "reason" Word optional, "Why the verdict is unknown or not_applicable, in a word.", "", "";
    Judge CatalogId "catalog_id" Word optional, "The catalog entry that declares the key.", "unmapped.key_purpose.catalog_id", "keypurpose.catalog_id";
    Judge MatchedBy "matched_by" Word optional, "How the entry was found: exact, alias, glob, class or aws-managed.", "", "";
    Judge CatalogVersion "catalog_version" Word optional, "The content hash of the catalog that judged.", "", "";
    Judge Purpose "purpose" Word optional, "The declared cryptographic purpose.", "unmapped.key_purpose.purpose_id", "keypurpose.purpose_id";
    Judge Use "use" Word optional, "The declared business use.", "", "";
    Judge Owner "owner" Word optional, "Who owns the key.", "resources.owner.name", "";
    Judge Responsibility "responsibility" Word optional, "The responsible parties of the shared-responsibility model, with commas between.", "", "";
    Judge Tenant "tenant" Word optional, "The key's tenant.", "", "";
    Judge Environment "environment" Word optional, "The key's environment.", "unmapped.key_purpose.environment", "keypurpose.environment";
    Judge Criticality "criticality" Word optional, "How much harm misuse of the key would do.", "resources.criticality", "";
    Judge KeyState "key_state" Word optional, "The key's declared life-cycle state.", "", "";
    Judge Mode "mode" Word optional, "enforce, or observe: recorded and never paged.", "", "";
    Judge Exportable "exportable" Flag optional, "Whether the entry allows the key's private material to leave.", "", "";
    Judge Canary "canary" Flag optional, "Whether the key is a decoy.", "", "";
    Judge CallerTenant "caller_tenant" Word optional, "The tenant that the caller belongs to.", "", "";
    Judge CallerEnvironment "caller_environment" Word optional, "The environment that the caller belongs to.", "", "";
    Judge OtherCatalogId "other_catalog_id" Word optional, "The catalog entry that declares other_key_id.", "", "";
    Judge ByPipeline "by_pipeline" Flag required, "Whether the catalog names the caller as a pipeline that changes keys by right.", "", "";
    Judge ByAdministrator "by_administrator" Flag required, "Whether the entry names the caller as an administrator.", "", "";
    Judge ByScanner "by_scanner" Flag required, "Whether the catalog names the caller as a posture scanner.", "", "";
    Judge RotationDue "rotation_due" Time optional, "When the key is to be rotated: the declared period after the last rotation that is declared or was seen.", "", "";
    Judge ReviewDue "review_due" Time optional, "When the declaration is to be reviewed: the declared period after its last review.", "", "";
    Judge ExceptionUntil "exception_until" Time optional, "When the exception that lifted aspects ends; the earliest of several.", "", "";
    Judge BreakGlass "break_glass" Flag optional, "Whether that exception is for an emergency: such a use is told and reviewed.", "", "";
}

/// The number of columns that the log fills; they come first.
pub const LOG_COLUMNS: usize = {
    let mut count = 0;
    let mut rest = COLUMNS;
    while let [Spec { stage: Stage::Log, .. }, tail @ ..] = rest {
        count += 1;
        rest = tail;
    }
    count
};

/// An Arrow field with its sentence in the metadata, so that `DESCRIBE` and Parquet carry it.
pub fn described(name: &str, data_type: &DataType, nullable: bool, about: &str) -> Field {
    Field::new(name, data_type.clone(), nullable)
        .with_metadata([("about".to_owned(), about.to_owned())].into())
}

impl Spec {
    fn field(&self) -> Field {
        described(self.name, &self.kind.data_type(), self.nullable, self.about)
    }
}

fn schema_of(specs: &[Spec]) -> SchemaRef {
    Arc::new(Schema::new(specs.iter().map(Spec::field).collect::<Vec<_>>()))
}

static EVENTS: LazyLock<SchemaRef> = LazyLock::new(|| schema_of(COLUMNS));
static UNJUDGED: LazyLock<SchemaRef> =
    LazyLock::new(|| schema_of(COLUMNS.split_at_checked(LOG_COLUMNS).map_or(COLUMNS, |(log, _)| log)));

/// The whole table's schema.
pub fn events_schema() -> SchemaRef {
    EVENTS.clone()
}

/// The schema before judging: the columns that the log fills.
pub fn unjudged_schema() -> SchemaRef {
    UNJUDGED.clone()
}
