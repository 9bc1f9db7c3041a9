//! JSON, indented for people and otherwise as it came: numbers keep every digit, attributes their order.

/// Spaces of a level.
const INDENT: usize = 2;

/// The text with a line for each value. Anything that is no JSON stays as it is in some way, and never fails.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                out.push('"');
                let mut escaped = false;
                for char in chars.by_ref() {
                    out.push(char);
                    if !escaped && char == '"' {
                        break;
                    }
                    escaped = !escaped && char == '\\';
                }
            }
            '{' | '[' => {
                while chars.peek().is_some_and(char::is_ascii_whitespace) {
                    chars.next();
                }
                out.push(char);
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(',');
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            char if char.is_ascii_whitespace() => {}
            char => out.push(char),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', depth * INDENT));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit_and_attributes_their_order() {
        let text = r#"{"z":18446744073709551616,"a":[1.10,{"b":"\"{,:}\\"}],"e":[ ],"o":{}}"#;
        let shown = "{\n  \"z\": 18446744073709551616,\n  \"a\": [\n    1.10,\n    {\n      \"b\": \"\\\"{,:}\\\\\"\n    }\n  ],\n  \"e\": [],\n  \"o\": {}\n}";
        assert_eq!(pretty(text), shown);
        assert_eq!(pretty(shown), shown, "what is pretty stays so");
    }

    #[test]
    fn what_is_no_json_does_not_fail() {
        for text in ["", "\"", "}}}", "{\"", "[", "옹기"] {
            pretty(text);
        }
    }
}
