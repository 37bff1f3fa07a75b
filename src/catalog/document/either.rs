//! A value that is written as text or as a mapping; serde's `untagged` would lose places and messages.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::super::yaml::Placed;
use super::scalars::Pattern;

/// Reads text as a pattern or a mapping as `M`.
pub fn text_or_mapping<'de, D, M, T>(
    deserializer: D,
    from_text: fn(Pattern) -> T,
    from_mapping: fn(M) -> T,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    M: Deserialize<'de>,
{
    let Placed { value, place } = Placed::<Either<M>>::deserialize(deserializer)?;
    Ok(match value {
        Either::Text(text) => from_text(Pattern::new(&text, place)),
        Either::Mapping(mapping) => from_mapping(mapping),
    })
}

enum Either<M> {
    Text(String),
    Mapping(M),
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Either<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<M>(PhantomData<M>);

        impl<'de, M: Deserialize<'de>> Visitor<'de> for Any<M> {
            type Value = Either<M>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a mapping with its fields")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.is_empty() {
                    return Err(E::custom("this name is empty; write one, or take it out"));
                }
                Ok(Either::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
                M::deserialize(MapAccessDeserializer::new(access)).map(Either::Mapping)
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}
