//! From the pieces of a filter to its conditions: recursive descent, with a bound on depth and number.
//!
//! ```text
//! or        = and { "OR" and }
//! and       = not { "AND" not }
//! not       = "NOT" not | primary
//! primary   = "(" or ")" | geo | attribute condition
//! ```

mod geo;

use self::geo::{is_geo, reserved_geo};
use super::{
    Attribute, Budget, Condition, Filter, Place,
    lexer::{Lexer, Placed, Token},
};
use crate::{ApiError, Code, limits::Limits};

const OPERATIONS: &str = "`=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, `NOT EXISTS`, `IS NULL`, `IS NOT NULL`, \
                          `IS EMPTY`, `IS NOT EMPTY`, `CONTAINS`, `NOT CONTAINS`, `STARTS WITH`, `NOT STARTS WITH`, `_geoRadius`, \
                          `_geoBoundingBox` or `_geoPolygon`";

/// A condition that compares with one value.
type Comparison = fn(String) -> Condition;

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next piece. After a piece that is none the error is here, and what was wanted instead does not matter.
    next: Result<Option<Placed<'a>>, ApiError>,
    depth: usize,
    limits: &'a Limits,
    budget: &'a mut Budget,
    code: Code,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, limits: &'a Limits, code: Code, budget: &'a mut Budget) -> Self {
        let mut lexer = Lexer::new(text, code);
        let next = lexer.next();
        Self { lexer, next, depth: 0, limits, budget, code }
    }

    pub(super) fn parse(&mut self) -> Result<Filter, ApiError> {
        let filter = self.or()?;
        if matches!(self.next, Ok(None)) {
            return Ok(filter);
        }
        let place = Place { end: self.lexer.end().end, ..self.here() };
        let rest = place.shown();
        let message =
            format!("Found unexpected characters at the end of the filter: `{rest}`. You probably forgot an `OR` or an `AND` rule.");
        Err(self.error_at(&place, &message))
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
        if !self.take_word(keyword) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.take_word(keyword) {
            parts.push(part(self)?);
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
        let open = self.here();
        if self.take_sign("(") {
            let filter = self.or()?;
            if !self.take_sign(")") {
                let message = format!("Expression `{}` is missing the following closing delimiter: `)`.", self.rest_from(&open));
                return Err(self.error_at(&open, &message));
            }
            return Ok(filter);
        }
        if self.budget.conditions == 0 {
            return Err(self.error(&format!("The filter has more than {} conditions.", self.limits.filter_conditions)));
        }
        self.budget.conditions -= 1;
        let Ok(Some((Token::Word(word), place))) = &self.next else {
            return self.condition();
        };
        let (word, place) = (*word, place.clone());
        match word {
            word if is_geo(word) => self.geo(word, place),
            _ => self.condition(),
        }
    }

    fn condition(&mut self) -> Result<Filter, ApiError> {
        let start = self.here();
        let attribute = self.attribute(&start)?;
        let negated = self.take_word("NOT");
        let condition = if let Some(make) = (!negated).then(|| self.take_comparison()).flatten() {
            make(self.value()?)
        } else if self.take_word("IN") {
            Condition::In(self.list()?)
        } else if self.take_word("EXISTS") {
            Condition::Exists
        } else if self.take_word("CONTAINS") {
            Condition::Contains(self.value()?)
        } else if self.take_word("STARTS") {
            if !self.take_word("WITH") {
                return Err(self.operation_expected(&start));
            }
            Condition::StartsWith(self.value()?)
        } else if !negated && self.take_word("IS") {
            return self.is(attribute);
        } else if !negated && self.at_value() {
            let from = self.value()?;
            if !self.take_word("TO") {
                return Err(self.operation_expected(&start));
            }
            Condition::Between(from, self.value()?)
        } else {
            return Err(self.operation_expected(&start));
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
            return Err(self.error("Was expecting `NULL`, `NOT NULL`, `EMPTY` or `NOT EMPTY` after `IS`."));
        };
        let filter = Filter::Is(attribute, condition);
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn take_comparison(&mut self) -> Option<Comparison> {
        let signs: [(&str, Comparison); 6] = [
            ("=", Condition::Equal),
            ("!=", Condition::NotEqual),
            ("<", Condition::Less),
            ("<=", Condition::LessOrEqual),
            (">", Condition::Greater),
            (">=", Condition::GreaterOrEqual),
        ];
        signs.into_iter().find_map(|(sign, make)| self.take_sign(sign).then_some(make))
    }

    fn attribute(&mut self, start: &Place) -> Result<Attribute, ApiError> {
        let (name, place, quoted) = match &self.next {
            Ok(Some((Token::Word(word), place))) => ((*word).to_owned(), place.clone(), false),
            Ok(Some((Token::Quoted(text), place))) if !text.is_empty() => (text.to_string(), place.clone(), true),
            _ => return Err(self.operation_expected(start)),
        };
        if !quoted {
            if is_keyword(&name) {
                return Err(self.error_at(&place, &reserved(&name)));
            }
            if name == "_vectors" || name.starts_with("_vectors.") {
                return Err(not_enabled(&place, "using a vector filter", "multimodal"));
            }
        }
        self.advance();
        if !quoted && self.at_sign("(") {
            if name == "_foreign" {
                return Err(not_enabled(&place, "using a foreign filter", "foreign_keys"));
            }
            if name == "_geo" {
                return Err(self.error_at(&place, &reserved_geo(&name)));
            }
        }
        if !quoted && matches!(name.as_str(), "_geoPoint" | "_geoDistance") {
            return Err(self.error_at(&place, &reserved_geo(&name)));
        }
        Ok(Attribute { name, place })
    }

    fn value(&mut self) -> Result<String, ApiError> {
        let value = match &self.next {
            Ok(Some((Token::Quoted(value), _))) => value.to_string(),
            Ok(Some((Token::Word(value), _))) if is_geo(value) => {
                return Err(self.error(&format!("The `{value}` filter is an operation and can't be used as a value.")));
            }
            Ok(Some((Token::Word(value), _))) if is_keyword(value) => return Err(self.error(&reserved(value))),
            Ok(Some((Token::Word(value), _))) => (*value).to_owned(),
            Ok(Some((Token::Sign(sign), _))) => return Err(self.error(&format!("Was expecting a value but instead got `{sign}`."))),
            _ => return Err(self.error("Was expecting a value but instead got nothing.")),
        };
        self.advance();
        Ok(value)
    }

    fn list(&mut self) -> Result<Vec<String>, ApiError> {
        if !self.take_sign("[") {
            return Err(self.error("Expected `[` after `IN` keyword."));
        }
        let mut values = Vec::new();
        while !self.take_sign("]") {
            self.take_from_budget()?;
            values.push(self.value()?);
            if self.take_sign(",") || self.at_sign("]") {
                continue;
            }
            if matches!(self.next, Ok(None)) {
                return Err(self.error("Expected matching `]` after the list of field names given to `IN[`"));
            }
            let found = self.here().shown();
            return Err(self.error(&format!("Expected only comma-separated field names inside `IN[..]` but instead found `{found}`.")));
        }
        Ok(values)
    }

    fn take_from_budget(&mut self) -> Result<(), ApiError> {
        if self.budget.values == 0 {
            return Err(self.error(&format!("The filter has more than {} values in lists.", self.limits.filter_values)));
        }
        self.budget.values -= 1;
        Ok(())
    }

    fn deeper(&mut self, part: impl FnOnce(&mut Self) -> Result<Filter, ApiError>) -> Result<Filter, ApiError> {
        self.depth += 1;
        if self.depth > self.limits.filter_depth {
            let most = self.limits.filter_depth;
            return Err(self.error(&format!(
                "The filter exceeded the maximum depth limit of {most}. Try rewriting the filter so that it contains fewer nested conditions."
            )));
        }
        let result = part(self);
        self.depth -= 1;
        result
    }

    fn advance(&mut self) {
        self.next = self.lexer.next();
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let found = matches!(&self.next, Ok(Some((Token::Word(word), _))) if *word == keyword);
        if found {
            self.advance();
        }
        found
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let found = self.at_sign(wanted);
        if found {
            self.advance();
        }
        found
    }

    fn at_sign(&self, wanted: &str) -> bool {
        matches!(&self.next, Ok(Some((Token::Sign(sign), _))) if *sign == wanted)
    }

    fn at_value(&self) -> bool {
        match &self.next {
            Ok(Some((Token::Word(word), _))) => !is_keyword(word),
            Ok(Some((Token::Quoted(_), _))) => true,
            _ => false,
        }
    }

    /// The place of the next piece, or the end.
    fn here(&self) -> Place {
        match &self.next {
            Ok(Some((_, place))) => place.clone(),
            _ => self.lexer.end(),
        }
    }

    fn rest_from(&self, place: &Place) -> String {
        Place { end: self.lexer.end().end, ..place.clone() }.shown()
    }

    /// An error that points at the next piece.
    fn error(&self, message: &str) -> ApiError {
        self.error_at(&self.here(), message)
    }

    fn error_at(&self, place: &Place, message: &str) -> ApiError {
        match &self.next {
            Err(error) => error.clone(),
            Ok(_) => place.error(message, self.code),
        }
    }

    fn operation_expected(&self, start: &Place) -> ApiError {
        let found = self.rest_from(start);
        let found = if found.is_empty() { "but instead got nothing.".to_owned() } else { format!("at `{found}`.") };
        self.error(&format!("Was expecting an operation {OPERATIONS} {found}"))
    }
}

fn reserved(word: &str) -> String {
    format!(
        "Was expecting a value but instead got `{word}`, which is a reserved keyword. To use `{word}` as a field name or a value, surround it by quotes."
    )
}

fn not_enabled(place: &Place, action: &str, feature: &str) -> ApiError {
    place.error(&format!("{action} requires enabling the `{feature}` experimental feature, which is not offered."), Code::FeatureNotEnabled)
}

fn is_keyword(word: &str) -> bool {
    matches!(word, "AND" | "OR" | "NOT" | "IN" | "TO" | "EXISTS" | "IS" | "NULL" | "EMPTY" | "CONTAINS" | "STARTS" | "WITH") || is_geo(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Filter, ApiError> {
        let limits = Limits::default();
        let mut budget = Budget { conditions: limits.filter_conditions, values: limits.filter_values };
        Parser::new(text, &limits, Code::InvalidSearchFilter, &mut budget).parse()
    }

    #[test]
    fn precedence_and_operators() {
        for (text, expected) in [
            ("a = 1", "'a' = '1'"),
            (r#"'a b' != "x \" y""#, r#"'a b' != 'x " y'"#),
            ("a=1 AND b=2 OR c=3", "(('a' = '1') AND ('b' = '2')) OR ('c' = '3')"),
            ("a=1 AND (b=2 OR c=3)", "('a' = '1') AND (('b' = '2') OR ('c' = '3'))"),
            ("NOT a < 1 AND b <= 2", "(NOT ('a' < '1')) AND ('b' <= '2')"),
            ("NOT NOT (a >= 1)", "NOT (NOT ('a' >= '1'))"),
            ("price 10 TO 20.5", "'price' '10' TO '20.5'"),
            ("a.b IN [x, 'y z', 3,]", "'a.b' IN ['x', 'y z', '3', ]"),
            ("a NOT IN []", "NOT ('a' IN [])"),
            ("a EXISTS OR b NOT EXISTS", "('a' EXISTS) OR (NOT ('b' EXISTS))"),
            ("a IS NULL AND b IS NOT EMPTY", "('a' IS NULL) AND (NOT ('b' IS EMPTY))"),
            ("a IS EMPTY AND b IS NOT NULL", "('a' IS EMPTY) AND (NOT ('b' IS NULL))"),
            ("a CONTAINS x AND b NOT STARTS WITH 'y'", "('a' CONTAINS 'x') AND (NOT ('b' STARTS WITH 'y'))"),
            ("a STARTS WITH x OR b NOT CONTAINS 'y'", "('a' STARTS WITH 'x') OR (NOT ('b' CONTAINS 'y'))"),
            ("t > 2024-01-02T03:04:05", "'t' > '2024-01-02T03:04:05'"),
            ("'OR' = \"AND\"", "'OR' = 'AND'"),
            (r"a = 'it\'s \\ 옹기'", r"'a' = 'it\'s \\ 옹기'"),
            ("_geoRadius(1, -2.5, 100)", "_geoRadius(1, -2.5, 100)"),
            ("_geoRadius(1, -2.5, 100, 64)", "_geoRadius(1, -2.5, 100)"),
            ("_geoBoundingBox([2,3],[1,-4])", "_geoBoundingBox([2, 3], [1, -4])"),
            ("_geoPolygon([0,0],[0,2.5],[1,1],)", "_geoPolygon([0, 0], [0, 2.5], [1, 1])"),
            ("_geo EXISTS AND _geo.lat > 3", "('_geo' EXISTS) AND ('_geo.lat' > '3')"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn errors_point_at_the_place() {
        for (text, parts) in [
            ("a", vec!["Was expecting an operation `=`", "at `a`.", "\n2:2 a"]),
            ("a =", vec!["Was expecting a value but instead got nothing.", "\n4:4 a ="]),
            ("a = OR", vec!["`OR`, which is a reserved keyword", "\n5:7 a = OR"]),
            ("OR = a", vec!["`OR`, which is a reserved keyword", "\n1:3 "]),
            ("a = 'x", vec![r"Expression `\'x` is missing the following closing delimiter: `'`.", "\n5:7 "]),
            ("a = 'x\\q'", vec!["Malformed value", "\n5:10 "]),
            ("b = c AND (a = 1", vec!["Expression `(a = 1` is missing the following closing delimiter: `)`.", "\n11:12 "]),
            ("a = 1 b = 2", vec!["at the end of the filter: `b = 2`. You probably forgot an `OR` or an `AND` rule.", "\n7:12 "]),
            ("a = x y", vec!["unexpected characters at the end of the filter: `y`"]),
            ("a IN x", vec!["Expected `[` after `IN` keyword.", "\n6:7 "]),
            ("a IN [x y]", vec!["Expected only comma-separated field names inside `IN[..]` but instead found `y`."]),
            ("a IN [x, y", vec!["Expected matching `]` after the list"]),
            ("a IN [OR]", vec!["reserved keyword", "\n7:9 "]),
            ("a IS x", vec!["`NULL`", "\n6:7 "]),
            ("a NOT = 1", vec!["Was expecting an operation"]),
            ("a STARTS x", vec!["Was expecting an operation"]),
            ("가 = 1 & b = 2", vec!["Found unexpected characters: `& b = 2`.", "\n7:14 "]),
            ("a = 1 AND", vec!["Was expecting an operation", "but instead got nothing."]),
            ("_geoRadius(1, 2)", vec!["three arguments"]),
            ("_geoRadius(1, 2, 3, 4, 5)", vec!["three arguments"]),
            ("_geoRadius = 1", vec!["three arguments"]),
            ("_geoRadius(100, 2, 3)", vec!["Bad latitude `100`. Latitude must be contained between -90 and 90 degrees.", "\n12:15 "]),
            ("_geoRadius(1, -181, 3)", vec!["Bad longitude `-181`. Longitude must be contained between -180 and 180 degrees."]),
            ("_geoRadius(1, nan, 3)", vec!["three arguments", "\n15:18 "]),
            ("_geoBoundingBox([1,2])", vec!["two pairs"]),
            ("_geoBoundingBox([1,2],[2,1])", vec!["The top latitude `1` is below the bottom latitude `2`."]),
            ("_geoPolygon([1,2],[2,1])", vec!["at least 3 points but only 2"]),
            ("_geoPolygon([1,2],[2,1],[1])", vec!["three pairs"]),
            ("_geoPoint(1, 2)", vec!["`_geoPoint` is a reserved keyword"]),
            ("_geoDistance < 2", vec!["`_geoDistance` is a reserved keyword"]),
            ("_geo(1, 2)", vec!["`_geo` is a reserved keyword"]),
            ("a = _geoRadius(1, 2, 3)", vec!["is an operation and can't be used as a value"]),
            ("", vec!["Was expecting an operation"]),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code, Code::InvalidSearchFilter);
            for part in parts {
                assert!(error.message.contains(part), "{text}: {}", error.message);
            }
        }
    }

    #[test]
    fn what_is_not_offered_is_not_enabled() {
        for text in ["_vectors EXISTS", "_vectors.x.userProvided EXISTS", "_foreign(a, b = 1)"] {
            assert_eq!(parse(text).unwrap_err().code, Code::FeatureNotEnabled, "{text}");
        }
        assert!(parse("'_vectors' EXISTS").is_ok());
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
