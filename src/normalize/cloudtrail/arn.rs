//! Amazon resource names: taking them apart, finding them in text, and completing short names.

use super::super::Arena;

/// The parts of `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    /// Empty for global services.
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes `text` apart, if it is an ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?;
        let mut colons = rest.bytes().enumerate().filter(|(_, byte)| *byte == b':').map(|(place, _)| place);
        let (one, two, three, four) = (colons.next()?, colons.next()?, colons.next()?, colons.next()?);
        Some(Self {
            partition: rest.get(..one)?,
            service: rest.get(one + 1..two)?,
            region: rest.get(two + 1..three)?,
            account: rest.get(three + 1..four)?,
            resource: rest.get(four + 1..)?,
        })
    }
}

/// Where names that are no ARN belong to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Home<'a> {
    pub region: &'a str,
    pub account: &'a str,
}

impl<'a> Home<'a> {
    /// Completes `resource` of `service` to an ARN; nothing where the region or account is unknown.
    pub fn arn(&self, service: &str, resource: &str, arena: &'a Arena) -> Option<&'a str> {
        if self.region.is_empty() || self.account.is_empty() {
            return None;
        }
        let (partition, region, account) = (partition_of(self.region), self.region, self.account);
        Some(join(arena, &["arn:", partition, ":", service, ":", region, ":", account, ":", resource]))
    }
}

/// The partition that a region belongs to (AWS, "partition" in the ARN reference).
pub fn partition_of(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Joins `parts` in the arena.
pub fn join<'a>(arena: &'a Arena, parts: &[&str]) -> &'a str {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut joined = bumpalo::collections::String::with_capacity_in(length, arena);
    parts.iter().for_each(|part| joined.push_str(part));
    joined.into_bump_str()
}

/// The first ARN of `service` in a sentence, such as the one that an error message names.
pub fn first_in<'a>(text: &'a str, service: &str) -> Option<&'a str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '(' | ')' | '[' | ']'))
        .filter_map(|word| word.find("arn:").and_then(|at| word.get(at..)))
        .map(|arn| arn.trim_end_matches(['.', ':', '!', '?']))
        .find(|arn| Arn::parse(arn).is_some_and(|arn| arn.service == service && !arn.resource.is_empty()))
}
