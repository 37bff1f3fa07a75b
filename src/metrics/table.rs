//! Every metric: its name, type, labels and sentence. Written once; everything else comes from here.

use prometheus::Registry;

use super::families::{Counter, Family, Gauge, Histogram};
pub use super::families::{Kind, Spec};

macro_rules! metrics {
    ($($field:ident: $family:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        /// All metrics of our own, in the order they are told. Those named `process_…` come beside them,
        /// from the prometheus crate.
        pub const TABLE: &[Spec] = &[$(
            Spec { name: $name, kind: <$family as Family>::KIND, labels: &[$($label),*], help: $help },
        )+];

        /// The families behind the table.
        #[derive(Debug)]
        pub(super) struct Families {
            $(pub(super) $field: $family,)+
        }

        impl Families {
            /// Makes every family and puts it into the registry.
            ///
            /// # Errors
            /// Where the table has a name twice or one that Prometheus does not take; a test would fail.
            pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
                let mut specs = TABLE.iter();
                let mut next = || specs.next().ok_or_else(|| prometheus::Error::Msg("table too short".into()));
                Ok(Self { $($field: <$family as Family>::register(next()?, registry)?,)+ })
            }
        }
    };
}

metrics! {
    received: Counter "keyward_records_received_total" ["source"]
        "Records read; the sum of those that gave events, were merged, irrelevant, duplicate or rejected.";
    gave_events: Counter "keyward_records_gave_events_total" ["source"]
        "Records that gave at least one key event.";
    merged: Counter "keyward_records_merged_total" ["source"]
        "Vault requests that were merged into their response.";
    irrelevant: Counter "keyward_records_irrelevant_total" ["source", "reason"]
        "Records that touch no key.";
    duplicate: Counter "keyward_records_duplicate_total" ["source"]
        "Records that were seen before.";
    rejected: Counter "keyward_records_rejected_total" ["source", "reason"]
        "Records that could not be understood; each has a row in the table of rejects.";
    published: Counter "keyward_rejects_published_total" []
        "Rejects that the topic of rejects took.";
    unpublished: Gauge "keyward_rejects_unpublished_files" []
        "Sealed files of rejects that the topic of rejects does not have yet.";
    events: Counter "keyward_events_total" ["provider"]
        "Key events, by the provider whose log they come from.";
    verdicts: Counter "keyward_verdicts_total" ["verdict"]
        "Key events by their verdict against the catalog.";
    findings: Counter "keyward_findings_total" ["detector", "level"]
        "Findings by detector and level.";
    detector_failures: Counter "keyward_detector_failures_total" ["detector"]
        "Batches on which a detector could not be evaluated.";
    window_groups: Gauge "keyward_window_groups" []
        "Groups that detectors with a window remember.";
    window_forgotten: Gauge "keyward_window_forgotten" ["detector"]
        "Groups and values that a detector's window had no room for since the start; what they did is not counted whole.";
    alerts: Counter "keyward_alerts_total" ["level"]
        "Alerts raised, by the level they were raised with.";
    suppressed: Counter "keyward_pages_suppressed_total" ["reason"]
        "Changes of alerts that nobody was told of, by why.";

    stage: Histogram "keyward_stage_seconds" ["stage"]
        "Time that a stage took for one batch or one seal.";
    alert_latency: Histogram "keyward_alert_latency_seconds" ["source"]
        "Time from when a record was written to its source until the alerts about it were committed.";

    source_ready: Gauge "keyward_source_ready" ["source"]
        "Whether the source reads, or would if there were something: 1 or 0.";
    lag_records: Gauge "keyward_source_lag_records" ["source", "partition"]
        "Records of a Kafka partition that were not taken yet.";
    lag_bytes: Gauge "keyward_source_lag_bytes" ["source", "partition"]
        "Bytes of a file or spool that were not taken yet.";
    gaps: Counter "keyward_source_lost_records_total" ["source"]
        "Records that the source no longer held when they were to be read; coverage has a gap.";
    dropped: Counter "keyward_source_dropped_entries_total" ["source"]
        "Entries dropped because the spool was full; coverage has a gap.";
    unreachable: Counter "keyward_source_unreachable_total" ["source"]
        "How often the source stopped answering.";
    queue: Gauge "keyward_queue_length" []
        "What the sources have handed over and the loop has not taken yet.";

    seals: Counter "keyward_seals_total" []
        "Seals committed: history files and the positions they cover.";
    seal_failures: Counter "keyward_seal_failures_total" []
        "Seals that failed; what they held is read again.";
    restore_failures: Counter "keyward_restore_failures_total" []
        "Attempts after a failure to read back what was sealed that failed too; nothing is taken until one succeeds.";
    seal_rows: Counter "keyward_seal_rows_total" []
        "Key events written to history.";
    seal_bytes: Counter "keyward_seal_bytes_total" []
        "Bytes of history files written.";
    last_seal: Gauge "keyward_last_seal_timestamp_seconds" []
        "When the last seal was committed.";
    open_rows: Gauge "keyward_open_rows" []
        "Key events judged and not yet sealed.";

    expired: Counter "keyward_expired_rows_total" ["what"]
        "Rows removed since they were older than they are kept.";
    store_bytes: Gauge "keyward_store_bytes" []
        "Size of the embedded store.";
    transaction: Histogram "keyward_store_transaction_seconds" ["for"]
        "Time that a transaction of the store took, its wait for the write lock included.";
    free_bytes: Gauge "keyward_data_free_bytes" []
        "Free space where the data folder lies.";
    lease: Gauge "keyward_lease_held" []
        "Whether this instance holds the lease: 1, or 0 on a standby.";

    outbox_pending: Gauge "keyward_outbox_pending" ["channel"]
        "Deliveries that wait or are tried again.";
    outbox_oldest: Gauge "keyward_outbox_oldest_seconds" ["channel"]
        "Age of the oldest delivery that waits.";
    outbox_parked: Gauge "keyward_outbox_parked" ["channel"]
        "Deliveries that were given up and can be sent again by hand.";
    attempts: Counter "keyward_delivery_attempts_total" ["channel"]
        "Attempts to deliver.";
    deliveries: Counter "keyward_deliveries_total" ["channel"]
        "Deliveries that the receiver took.";

    actions: Gauge "keyward_actions" ["state"]
        "Actions of remediation, by how far they have come.";
    action_transitions: Counter "keyward_action_transitions_total" ["state"]
        "Changes of actions, by the state that they came to.";
    action_stops: Counter "keyward_action_stops_total" ["reason"]
        "Actions that were stopped before they began, by why.";
    own_findings: Counter "keyward_own_findings_total" []
        "Findings about what a receiver did for an action; they raise no alert.";

    rules: Gauge "keyward_rules_info" ["catalog", "detectors"]
        "The content hashes of the catalog and the detectors in force; always 1.";
    rules_loaded: Gauge "keyward_rules_loaded_timestamp_seconds" []
        "When the rules in force were loaded.";
    catalog_keys: Gauge "keyward_catalog_keys" []
        "Keys that the catalog in force declares.";
    detectors: Gauge "keyward_detectors" ["state"]
        "Detectors in force, by what they do at the moment.";
    reloads: Counter "keyward_reloads_total" ["result"]
        "Reloads of the rules: changed, unchanged, or refused.";

    requests: Counter "keyward_http_requests_total" ["route", "status"]
        "Requests answered by the HTTP server, by route and status.";
    connections: Gauge "keyward_http_connections" []
        "Connections open at the HTTP server.";
    evicted: Counter "keyward_http_evicted_connections_total" []
        "Idle or slow connections closed to make room for others.";

    heartbeat: Gauge "keyward_loop_heartbeat_timestamp_seconds" []
        "When the loop last went round.";
    started: Gauge "keyward_start_timestamp_seconds" []
        "When this process became a service.";
    build: Gauge "keyward_build_info" ["version"]
        "The version of this program; always 1.";
}
