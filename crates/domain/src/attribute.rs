//! What a name or a pattern in settings and requests means: which attributes.

/// Whether attribute `outer` is `inner` or an object that holds it.
pub fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether an attribute is meant by a name or pattern (`*` at one end), itself or through the object that holds it.
pub fn matches(pattern: &str, attribute: &str) -> bool {
    if pattern == "*" {
        true
    } else if let Some(prefix) = pattern.strip_suffix('*') {
        attribute.starts_with(prefix)
    } else if let Some(suffix) = pattern.strip_prefix('*') {
        attribute.ends_with(suffix)
    } else {
        covers(pattern, attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_begins_or_ends_with_and_a_name_also_what_is_inside() {
        for (pattern, name) in [("*", "a"), ("a*", "ab"), ("*b", "ab"), ("a", "a"), ("a", "a.b"), ("a.*", "a.b")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a*", "ba"), ("*b", "ba"), ("a", "ab"), ("a.b", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
