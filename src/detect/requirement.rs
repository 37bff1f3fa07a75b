//! What a detector depends on: without it, its silence means nothing.

use std::fmt;

use crate::domain::event::Provider;
use crate::sql::nearest::hint;
use crate::table::columns::{COLUMNS, Column};

/// One thing that a detector depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// A catalog with at least one entry.
    Catalog,
    /// Events of a provider.
    Provider(Provider),
    /// Events of a service or secrets engine.
    Service(String),
    /// A column that is not null at least once; by its place in the table.
    Column(usize),
    /// A member of the raw record, read into the `record` column.
    Member(String),
    /// A field inside a record that no column shows whether it is there: told to people, not tested.
    Field(String),
}

impl Requirement {
    /// Reads `catalog`, a provider, `service:NAME`, `column:NAME`, `field:NAME`, or a bare column name.
    ///
    /// # Errors
    /// What is wrong with the word, and what was probably meant.
    pub fn parse(word: &str) -> Result<Self, String> {
        if let Some(provider) = Provider::from_word(word) {
            return Ok(Self::Provider(provider));
        }
        match word.split_once(':') {
            Some(("service", name)) if is_name(name) => Ok(Self::Service(name.to_owned())),
            Some(("member", path)) if !path.is_empty() => Ok(Self::Member(path.to_owned())),
            Some(("field", name)) if is_name(name) => Ok(Self::Field(name.to_owned())),
            Some(("column", name)) => column(name).ok_or_else(|| unknown_column(name)).map(Self::Column),
            None if word == "catalog" => Ok(Self::Catalog),
            _ => column(word).map(Self::Column).ok_or_else(|| unknown(word)),
        }
    }

    /// Why a detector is blind without it.
    pub fn missing(&self) -> String {
        match self {
            Self::Catalog => "no catalog with entries is loaded".to_owned(),
            Self::Provider(provider) => format!("no event of {provider} was seen"),
            Self::Service(name) => format!("no event of service {name} was seen"),
            Self::Column(place) => format!("no event had a value in {}", column_name(*place)),
            Self::Member(path) => format!("{path} was not read of any record"),
            Self::Field(name) => format!("field {name} was not seen"),
        }
    }
}

/// As it is written in a detector.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog => f.write_str("catalog"),
            Self::Provider(provider) => write!(f, "{provider}"),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::Column(place) => write!(f, "column:{}", column_name(*place)),
            Self::Member(path) => write!(f, "member:{path}"),
            Self::Field(name) => write!(f, "field:{name}"),
        }
    }
}

fn column_name(place: usize) -> &'static str {
    COLUMNS.get(place).map_or("", |spec| spec.name)
}

fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|spec| spec.name == name)
}

/// The column called `name`.
///
/// # Errors
/// That there is none, and which one was probably meant.
pub fn named_column(name: &str) -> Result<Column, String> {
    COLUMNS.iter().find(|spec| spec.name == name).map(|spec| spec.column).ok_or_else(|| unknown_column(name))
}

fn unknown_column(name: &str) -> String {
    let help = hint(name, COLUMNS.iter().map(|spec| spec.name));
    format!(
        "there is no column `{name}`; {}",
        help.unwrap_or_else(|| "`keyward columns` lists them".to_owned())
    )
}

fn unknown(word: &str) -> String {
    let known = ["catalog", "aws", "vault"].into_iter().chain(COLUMNS.iter().map(|spec| spec.name));
    let help = hint(word, known).unwrap_or_else(|| {
        "write catalog, aws, vault, service:NAME (service:s3), column:NAME or field:NAME".to_owned()
    });
    format!("`{word}` is nothing to depend on; {help}")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read_and_written_alike() {
        for word in
            ["catalog", "aws", "vault", "service:s3", "column:via", "field:request.dryRun", "member:a.b c"]
        {
            assert_eq!(Requirement::parse(word).unwrap().to_string(), word);
        }
        assert_eq!(Requirement::parse("via").unwrap().to_string(), "column:via");
    }

    #[test]
    fn what_nothing_can_depend_on_is_a_mistake_with_advice() {
        assert!(Requirement::parse("catalogue").unwrap_err().contains("did you mean `catalog`?"));
        assert!(Requirement::parse("column:vai").unwrap_err().contains("did you mean `via`?"));
        assert!(Requirement::parse("s3 data events").unwrap_err().contains("service:s3"));
        assert!(Requirement::parse("service:").is_err());
    }
}
