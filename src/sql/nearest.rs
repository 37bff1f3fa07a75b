//! "Did you mean …": the known name that a misspelt one was probably meant to be.

use datafusion::common::utils::datafusion_strsim::levenshtein;

/// The candidate that differs least from `word`, if one is near enough to be meant.
///
/// Near enough is a third of the word's letters, at least one: `verdit` is `verdict`, `name` is nothing.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed || is_part(&word, candidate) || swaps(&word, candidate)
        })
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Half a name, such as `keyid` for `key_id` or `principals` for `principal`, is near whatever its length.
fn is_part(word: &str, candidate: &str) -> bool {
    let bare = |text: &str| text.replace(['_', '-'], "");
    let (word, candidate) = (bare(word), bare(&candidate.to_lowercase()));
    word.len() >= 4 && (candidate.starts_with(&word) || word.starts_with(&candidate) && candidate.len() >= 4)
}

/// Two letters in the other order count as one slip, not two.
fn swaps(word: &str, candidate: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<_> = text.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    levenshtein(word, &candidate.to_lowercase()) <= 2 && sorted(word) == sorted(candidate)
}

/// `; did you mean …?`, or nothing.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|found| format!("did you mean `{found}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_could_be_meant() {
        let names = ["verdict", "key_id", "principal", "session_name", "via"];
        assert_eq!(nearest("verdit", names), Some("verdict"));
        assert_eq!(nearest("keyId", names), Some("key_id"));
        assert_eq!(nearest("principals", names), Some("principal"));
        assert_eq!(nearest("vai", names), Some("via"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("", names), None);
    }
}
