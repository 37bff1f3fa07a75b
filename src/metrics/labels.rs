//! The closed sets of label values that are no words of the domain.

use crate::domain::vocabulary::vocabulary;

vocabulary! {
    /// A stage of the path, as its latency is measured.
    pub enum Stage as "stage" {
        /// Normalizing a chunk of records and building its batch.
        Prepare = "prepare",
        /// What needs neighbours: duplicates, requests with responses, aliases.
        Join = "join",
        Judge = "judge",
        Detect = "detect",
        /// Folding findings and committing alerts.
        Alert = "alert",
        /// Writing files and committing the seal.
        Seal = "seal",
    }
}

vocabulary! {
    /// Where alerts are delivered to without a name in the configuration.
    pub enum Channel as "channel" {
        Webhook = "webhook",
        Kafka = "kafka",
    }
}

vocabulary! {
    /// What is removed once it is older than it is kept.
    pub enum Expired as "kind of expired rows" {
        Findings = "findings",
        Campaigns = "campaigns",
        Deliveries = "deliveries",
        Rejects = "rejects",
        Raw = "raw",
        Events = "events",
    }
}

vocabulary! {
    /// What a transaction of the store was for.
    pub enum Transaction as "transaction" {
        Alert = "alert",
        Seal = "seal",
        Other = "other",
    }
}

vocabulary! {
    /// What a detector of the loaded rules does at the moment.
    pub enum Kept as "detector state" {
        Active = "active",
        /// A field or source that it requires was not seen.
        Blind = "blind",
        /// Its state is being rebuilt from history.
        Warming = "warming",
        /// This version cannot evaluate it.
        SetAside = "set_aside",
    }
}
