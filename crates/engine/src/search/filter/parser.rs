//! From the pieces of a filter to its conditions: recursive descent, with a bound on depth and number.
//!
//! ```text
//! or        = and { "OR" and }
//! and       = not { "AND" not }
//! not       = "NOT" not | primary
//! primary   = "(" or ")" | geo | attribute condition
//! ```

use std::sync::Arc;

use onggi_domain::{ApiError, Code, limits::Limits};

use super::{
    Attribute, Condition, Filter, Place,
    lexer::{Placed, Token, tokens},
};

pub(super) struct Parser<'a> {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    conditions: usize,
    limits: &'a Limits,
    code: Code,
    text: Arc<str>,
}

impl<'a> Parser<'a> {
    /// A parser for one text; `conditions` were counted in the texts before.
    pub(super) fn new(text: &str, limits: &'a Limits, code: Code, conditions: usize) -> Result<Self, ApiError> {
        Ok(Self { tokens: tokens(text, code)?, at: 0, depth: 0, conditions, limits, code, text: text.into() })
    }

    pub(super) fn conditions(&self) -> usize {
        self.conditions
    }

    pub(super) fn parse(&mut self) -> Result<Filter, ApiError> {
        let filter = self.or()?;
        match self.tokens.get(self.at) {
            None => Ok(filter),
            Some((_, place)) => {
                let rest: String = self.text.chars().skip(place.start).take(60).collect();
                Err(place.error(
                    &format!(
                        "Found unexpected characters at the end of the filter: `{rest}`. You probably forgot an `OR` or an `AND` rule."
                    ),
                    self.code,
                ))
            }
        }
    }

    fn or(&mut self) -> Result<Filter, ApiError> {
        self.deeper(|parser| parser.joined("OR", Self::and, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, ApiError> {
        self.joined("AND", Self::not, Filter::And)
    }

    fn joined(
        &mut self,
        keyword: &str,
        part: fn(&mut Self) -> Result<Filter, ApiError>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, ApiError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take_word(keyword) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        Ok(join(parts))
    }

    fn not(&mut self) -> Result<Filter, ApiError> {
        if self.take_word("NOT") {
            return self.deeper(|parser| Ok(Filter::Not(Box::new(parser.not()?))));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Filter, ApiError> {
        if self.take_sign("(") {
            let filter = self.or()?;
            if !self.take_sign(")") {
                return Err(self.here().error("Expression is missing the following closing delimiter: `)`.", self.code));
            }
            return Ok(filter);
        }
        self.conditions += 1;
        if self.conditions > self.limits.filter_conditions {
            let message = format!("The filter has more than {} conditions.", self.limits.filter_conditions);
            return Err(self.here().error(&message, self.code));
        }
        match self.tokens.get(self.at) {
            Some((Token::Word(word), _)) if word.starts_with("_geo") && !word.contains('.') => self.geo(),
            _ => self.condition(),
        }
    }

    fn condition(&mut self) -> Result<Filter, ApiError> {
        let attribute = self.attribute()?;
        let negated = self.take_word("NOT");
        let condition = if let Some((Token::Sign(sign), _)) = self.tokens.get(self.at) {
            let sign = *sign;
            if negated {
                return Err(self.operation_expected());
            }
            self.comparison(sign)?
        } else if self.take_word("IN") {
            Condition::In(self.list()?)
        } else if self.take_word("EXISTS") {
            Condition::Exists
        } else if self.take_word("CONTAINS") {
            Condition::Contains(self.value()?)
        } else if self.take_word("STARTS") {
            self.expect_word("WITH")?;
            Condition::StartsWith(self.value()?)
        } else if !negated && self.take_word("IS") {
            return self.is(attribute);
        } else if !negated {
            let from = self.value().map_err(|_| self.operation_expected())?;
            self.expect_word("TO")?;
            Condition::Between(from, self.value()?)
        } else {
            return Err(self.operation_expected());
        };
        let filter = Filter::Is(attribute, condition);
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn is(&mut self, attribute: Attribute) -> Result<Filter, ApiError> {
        let negated = self.take_word("NOT");
        let condition = if self.take_word("NULL") {
            Condition::Null
        } else if self.take_word("EMPTY") {
            Condition::Empty
        } else {
            return Err(self.here().error("Was expecting `NULL`, `NOT NULL`, `EMPTY` or `NOT EMPTY` after `IS`.", self.code));
        };
        let filter = Filter::Is(attribute, condition);
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn comparison(&mut self, sign: &str) -> Result<Condition, ApiError> {
        let make: fn(String) -> Condition = match sign {
            "=" => Condition::Equal,
            "!=" => Condition::NotEqual,
            "<" => Condition::Less,
            "<=" => Condition::LessOrEqual,
            ">" => Condition::Greater,
            ">=" => Condition::GreaterOrEqual,
            _ => return Err(self.operation_expected()),
        };
        self.at += 1;
        Ok(make(self.value()?))
    }

    fn attribute(&mut self) -> Result<Attribute, ApiError> {
        match self.tokens.get(self.at) {
            Some((Token::Word(name) | Token::Quoted(name), place)) if !name.is_empty() => {
                let attribute = Attribute { name: name.clone(), place: place.clone() };
                self.at += 1;
                Ok(attribute)
            }
            _ => Err(self.operation_expected()),
        }
    }

    fn value(&mut self) -> Result<String, ApiError> {
        match self.tokens.get(self.at) {
            Some((Token::Quoted(value), _)) => {
                let value = value.clone();
                self.at += 1;
                Ok(value)
            }
            Some((Token::Word(value), place)) => {
                if is_keyword(value) {
                    let message = format!(
                        "Was expecting a value but instead got `{value}`, which is a reserved keyword. To use `{value}` as a field name or a value, surround it by quotes."
                    );
                    return Err(place.error(&message, self.code));
                }
                let value = value.clone();
                self.at += 1;
                Ok(value)
            }
            Some((Token::Sign(sign), place)) => Err(place.error(&format!("Was expecting a value but instead got `{sign}`."), self.code)),
            None => Err(self.here().error("Was expecting a value but instead got nothing.", self.code)),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, ApiError> {
        if !self.take_sign("[") {
            return Err(self.here().error("Expected `[` after `IN` keyword.", self.code));
        }
        let mut values = Vec::new();
        while !self.take_sign("]") {
            values.push(self.value()?);
            if !self.take_sign(",") && !matches!(self.tokens.get(self.at), Some((Token::Sign("]"), _))) {
                return Err(self.here().error("Expected only comma-separated field names inside `IN[..]` and a closing `]`.", self.code));
            }
        }
        Ok(values)
    }

    fn geo(&mut self) -> Result<Filter, ApiError> {
        let Some((Token::Word(name), place)) = self.tokens.get(self.at).cloned() else {
            return Err(self.operation_expected());
        };
        self.at += 1;
        let mut numbers = Vec::new();
        let signs: &[&str] = match name.as_str() {
            "_geoRadius" => &["(", "#", ",", "#", ",", "#", ")"],
            "_geoBoundingBox" => &["(", "[", "#", ",", "#", "]", ",", "[", "#", ",", "#", "]", ")"],
            _ => {
                let message = format!(
                    "`{name}` is a reserved keyword and thus can't be used as a filter expression. Use the `_geoRadius(latitude, longitude, distance)` or `_geoBoundingBox([latitude, longitude], [latitude, longitude])` built-in rules to filter on `_geo` coordinates."
                );
                return Err(place.error(&message, self.code));
            }
        };
        for sign in signs {
            if *sign == "#" {
                numbers.push(self.number(&name)?);
            } else if !self.take_sign(sign) {
                return Err(place.error(&format!("The `{name}` filter expects {}.", geo_shape(&name)), self.code));
            }
        }
        let coordinates_fit = |lat: f64, lng: f64| (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        let points_fit = coordinates_fit(numbers[0], numbers[1]) && (numbers.len() == 3 || coordinates_fit(numbers[2], numbers[3]));
        if !points_fit {
            return Err(
                place.error("Bad coordinates: a latitude is between -90 and 90 degrees, a longitude between -180 and 180.", self.code)
            );
        }
        Ok(match numbers[..] {
            [lat, lng, metres] => Filter::GeoRadius { lat, lng, metres },
            [top, right, bottom, left] if top >= bottom => Filter::GeoBox { top, right, bottom, left },
            _ => {
                return Err(place.error("The top latitude is below the bottom latitude.", self.code));
            }
        })
    }

    fn number(&mut self, name: &str) -> Result<f64, ApiError> {
        let place = self.here();
        let text = self.value()?;
        text.parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .ok_or_else(|| place.error(&format!("The `{name}` filter expects {}; `{text}` is not a number.", geo_shape(name)), self.code))
    }

    fn deeper(&mut self, part: impl FnOnce(&mut Self) -> Result<Filter, ApiError>) -> Result<Filter, ApiError> {
        self.depth += 1;
        if self.depth > self.limits.filter_depth {
            let message = format!("The filter exceeded the maximum depth limit of {}.", self.limits.filter_depth);
            return Err(self.here().error(&message, self.code));
        }
        let result = part(self);
        self.depth -= 1;
        result
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((Token::Word(word), _)) if word == keyword);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((Token::Sign(sign), _)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.take_word(keyword) { Ok(()) } else { Err(self.operation_expected()) }
    }

    /// The place of the next piece, or the end.
    fn here(&self) -> Place {
        let end = self.text.chars().count();
        self.tokens.get(self.at).map_or_else(|| Place { start: end, end, text: self.text.clone() }, |(_, place)| place.clone())
    }

    fn operation_expected(&self) -> ApiError {
        let found: String = self.text.chars().skip(self.tokens.first().map_or(0, |(_, place)| place.start)).take(60).collect();
        let message = format!(
            "Was expecting an operation `=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, `NOT EXISTS`, `IS NULL`, \
             `IS NOT NULL`, `IS EMPTY`, `IS NOT EMPTY`, `CONTAINS`, `NOT CONTAINS`, `STARTS WITH`, `NOT STARTS WITH`, `_geoRadius`, or \
             `_geoBoundingBox` at `{found}`."
        );
        self.here().error(&message, self.code)
    }
}

fn geo_shape(name: &str) -> &'static str {
    if name == "_geoRadius" {
        "three arguments: `_geoRadius(latitude, longitude, radius)`"
    } else {
        "two pairs: `_geoBoundingBox([latitude, longitude], [latitude, longitude])`"
    }
}

fn is_keyword(word: &str) -> bool {
    matches!(word, "AND" | "OR" | "NOT" | "IN" | "TO" | "EXISTS" | "IS" | "NULL" | "EMPTY" | "CONTAINS" | "STARTS" | "WITH")
        || word.starts_with("_geoRadius")
        || word.starts_with("_geoBoundingBox")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Filter, ApiError> {
        Parser::new(text, &Limits::default(), Code::InvalidSearchFilter, 0)?.parse()
    }

    /// A filter as text, fully parenthesised.
    fn shown(filter: &Filter) -> String {
        match filter {
            Filter::And(parts) => format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(" & ")),
            Filter::Or(parts) => format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(" | ")),
            Filter::Not(part) => format!("!{}", shown(part)),
            Filter::Is(attribute, condition) => format!("{} {condition:?}", attribute.name),
            geo => format!("{geo:?}"),
        }
    }

    #[test]
    fn precedence_and_operators() {
        for (text, expected) in [
            ("a = 1", r#"a Equal("1")"#),
            ("'a b' != \"x \\\" y\"", r#"a b NotEqual("x \" y")"#),
            ("a=1 AND b=2 OR c=3", r#"((a Equal("1") & b Equal("2")) | c Equal("3"))"#),
            ("a=1 AND (b=2 OR c=3)", r#"(a Equal("1") & (b Equal("2") | c Equal("3")))"#),
            ("NOT a = 1 AND b = 2", r#"(!a Equal("1") & b Equal("2"))"#),
            ("NOT NOT (a = 1)", r#"!!a Equal("1")"#),
            ("price 10 TO 20.5", r#"price Between("10", "20.5")"#),
            ("a.b IN [x, 'y z', 3,]", r#"a.b In(["x", "y z", "3"])"#),
            ("a NOT IN []", "!a In([])"),
            ("a EXISTS OR b NOT EXISTS", "(a Exists | !b Exists)"),
            ("a IS NULL AND b IS NOT EMPTY", "(a Null & !b Empty)"),
            ("a CONTAINS x AND b NOT STARTS WITH 'y'", r#"(a Contains("x") & !b StartsWith("y"))"#),
            ("t > 2024-01-02T03:04:05", r#"t Greater("2024-01-02T03:04:05")"#),
            ("_geoRadius(1, -2.5, 100)", "GeoRadius { lat: 1.0, lng: -2.5, metres: 100.0 }"),
            ("_geoBoundingBox([2,3],[1,-4])", "GeoBox { top: 2.0, right: 3.0, bottom: 1.0, left: -4.0 }"),
        ] {
            assert_eq!(shown(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn errors_point_at_the_place() {
        for (text, parts) in [
            ("a", vec!["Was expecting an operation", "2:2 a"]),
            ("a =", vec!["Was expecting a value but instead got nothing", "4:4 a ="]),
            ("a = OR", vec!["reserved keyword", "5:7"]),
            ("a = 'x", vec!["missing the following closing delimiter: `'`", "5:7"]),
            ("(a = 1", vec!["missing the following closing delimiter: `)`"]),
            ("a = 1 b = 2", vec!["You probably forgot an `OR` or an `AND` rule", "7:8"]),
            ("a = x y", vec!["unexpected characters at the end of the filter: `y`"]),
            ("a IN x", vec!["Expected `[` after `IN`"]),
            ("a IN [x y]", vec!["comma-separated"]),
            ("a IS x", vec!["`NULL`"]),
            ("a = 1 & b = 2", vec!["`& b = 2`", "7:8"]),
            ("_geoRadius(1, 2)", vec!["three arguments"]),
            ("_geoRadius(100, 2, 3)", vec!["Bad coordinates"]),
            ("_geoPoint(1, 2)", vec!["reserved keyword"]),
            ("AND", vec!["Was expecting an operation"]),
            ("", vec!["Was expecting an operation"]),
        ] {
            let error = parse(text).unwrap_err();
            for part in parts {
                assert!(error.message.contains(part), "{text}: {}", error.message);
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        for (open, close) in [("(", ")"), ("NOT ", "")] {
            let deep = |n: usize| format!("{}a = 1{}", open.repeat(n), close.repeat(n));
            assert!(parse(&deep(50)).is_ok());
            assert!(parse(&deep(100_000)).unwrap_err().message.contains("depth"));
        }
    }
}
