//! Closed vocabularies: enums whose every member has exactly one written form.
//!
//! The same word appears in code, YAML, SQL, metrics and pages; this macro is the one place where
//! a member gets its spelling.

/// A word that is not a member of the vocabulary it was read for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {vocabulary}; known: {known}")]
pub struct UnknownWord {
    /// The word as it was written.
    pub word: String,
    /// What it was expected to be.
    pub vocabulary: &'static str,
    /// The members, in order, separated by spaces.
    pub known: String,
}

/// Declares a closed vocabulary: an enum, its words, and the conversions between them.
macro_rules! vocabulary {
    (
        $(#[$outer:meta])*
        pub enum $name:ident as $what:literal {
            $( $(#[$inner:meta])* $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[$outer])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $( $(#[$inner])* #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// Every member, in declaration order; a member's code is its place here.
            pub const ALL: &'static [$name] = &[ $( $name::$variant ),+ ];

            /// The one written form.
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $word ),+ }
            }

            /// The member's place in [`Self::ALL`].
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The member written as `word`, if there is one.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $( $word => Some($name::$variant), )+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::vocabulary::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::from_word(word).ok_or_else(|| $crate::domain::vocabulary::UnknownWord {
                    word: word.to_owned(),
                    vocabulary: $what,
                    known: Self::ALL.iter().map(|member| member.as_str()).collect::<Vec<_>>().join(" "),
                })
            }
        }
    };
}

pub(crate) use vocabulary;
