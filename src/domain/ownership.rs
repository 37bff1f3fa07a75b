//! Whose a key is, as far as it is declared: what routes go by.

/// Who owns a declared key, and where it belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    pub owner: Option<String>,
    /// How the owner is reached.
    pub contact: Option<String>,
    pub tenant: Option<String>,
    pub environment: Option<String>,
}
