//! What a name or a pattern in settings and requests means: which attributes.

/// Whether attribute `outer` is `inner` or an object that holds it.
pub fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether an attribute may be an object that holds what a name or pattern means.
pub fn may_hold(outer: &str, pattern: &str) -> bool {
    covers(outer, pattern) || (pattern.starts_with('*') && pattern != "*")
}

/// Whether an attribute is meant by a name or pattern (`*` at either end or at both), itself or through the object that holds it.
pub fn matches(pattern: &str, attribute: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(part), Some(_)) => attribute.contains(part.trim_end_matches('*')),
        (Some(suffix), None) => attribute.ends_with(suffix),
        (None, Some(prefix)) => attribute.starts_with(prefix),
        (None, None) => covers(pattern, attribute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_begins_or_ends_with_and_a_name_also_what_is_inside() {
        for (pattern, name) in [
            ("*", "a"),
            ("a*", "ab"),
            ("*b", "ab"),
            ("*b", "b"),
            ("*b*", "abc"),
            ("*b*", "b"),
            ("*.b", "a.b"),
            ("**", "a"),
            ("a", "a"),
            ("a", "a.b"),
            ("a.*", "a.b"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a*", "ba"), ("*b", "ba"), ("*b*", "ac"), ("*.b", "b"), ("a*b", "ab"), ("a", "ab"), ("a.b", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
