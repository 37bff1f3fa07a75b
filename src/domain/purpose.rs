//! What a key is for.

use super::vocabulary::vocabulary;

vocabulary! {
    /// A key's cryptographic purpose, exactly one per key: the key types of NIST SP 800-57 part 1 §5.1.1.
    pub enum Purpose as "purpose" {
        DataEncryption = "data-encryption",
        KeyWrapping = "key-wrapping",
        Signature = "signature",
        Authentication = "authentication",
        KeyAgreement = "key-agreement",
        KeyEncapsulation = "key-encapsulation",
        KeyDerivation = "key-derivation",
        CertificateAuthority = "certificate-authority",
        TokenSigning = "token-signing",
        SecretStorage = "secret-storage",
    }
}

vocabulary! {
    /// A key's place in its life cycle: the states of NIST SP 800-57 part 1 §7.
    pub enum KeyState as "key state" {
        PreActive = "pre-active",
        Active = "active",
        Suspended = "suspended",
        Deactivated = "deactivated",
        Compromised = "compromised",
        Destroyed = "destroyed",
    }
}

vocabulary! {
    /// How much harm the misuse of a key would do.
    pub enum Criticality as "criticality" {
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

vocabulary! {
    /// The kind of AI asset a key protects.
    pub enum Asset as "asset" {
        Weights = "weights",
        TrainingData = "training-data",
        InferenceLogs = "inference-logs",
        Outputs = "outputs",
        Container = "container",
        AgentCredential = "agent-credential",
        Dataset = "dataset",
        Other = "other",
    }
}

vocabulary! {
    /// A party of the shared security responsibility model of the AI Controls Matrix: cloud service
    /// provider, model provider, orchestrated service provider, application provider, AI customer.
    pub enum Party as "party" {
        CloudServiceProvider = "csp",
        ModelProvider = "mp",
        OrchestratedServiceProvider = "osp",
        ApplicationProvider = "ap",
        AiCustomer = "aic",
    }
}

vocabulary! {
    /// Whether misuse of a key is told to people or only recorded.
    pub enum Mode as "mode" {
        Enforce = "enforce",
        Observe = "observe",
    }
}
