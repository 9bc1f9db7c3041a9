//! Random documents and filters, and what they mean by going through every document.

use onggi_domain::filter::{Attribute, Condition, Filter, Place, Shape, parse};
use onggi_engine::schema::normalize_value;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Attributes of random documents: `n` is an object, several, or neither.
pub(crate) const ATTRIBUTES: [&str; 5] = ["a", "b", "c", "n.x", "n.y"];

pub(crate) fn word() -> impl Strategy<Value = String> {
    prop::sample::select(
        ["Red", "red", "Reddish", "blue", "1", "2.5", "-2", "true", "ÉTÉ", "été", "2024-01-02T03:04:05Z", "it's \\ \"so\"", "옹기"]
            .map(str::to_owned)
            .to_vec(),
    )
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => word().prop_map(Value::from),
        2 => (-3..4).prop_map(Value::from),
        2 => (-3..4).prop_map(|n| json!(f64::from(n) + 0.5)),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(json!("")),
        1 => Just(Value::Null),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(scalar(), 0..3).prop_map(Value::from);
    prop_oneof![5 => scalar(), 2 => list(), 1 => prop::collection::vec(list(), 0..2).prop_map(Value::from)]
}

fn fields(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(prop::sample::select(names), value(), 0..=names.len()).prop_map(|fields| json!(fields))
}

fn document() -> impl Strategy<Value = Value> {
    let object = || fields(&["x", "y"]);
    let nested = prop_oneof![
        3 => object().prop_map(Some),
        2 => prop::collection::vec(object(), 0..3).prop_map(|objects| Some(objects.into())),
        1 => scalar().prop_map(Some),
        1 => Just(None),
    ];
    let point = prop::option::of((-8..=8, -17..=17));
    (fields(&["a", "b", "c"]), nested, point).prop_map(|(mut document, nested, point)| {
        if let Some(nested) = nested {
            document["n"] = nested;
        }
        if let Some((lat, lng)) = point {
            document["_geo"] = json!({"lat": lat * 10, "lng": lng * 10});
        }
        document
    })
}

/// Documents with the ids 0, 1, 2, ...
pub(crate) fn documents(most: usize) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(document(), 1..most).prop_map(|documents| {
        let with_id = |(id, mut document): (usize, Value)| {
            document["id"] = id.into();
            document
        };
        documents.into_iter().enumerate().map(with_id).collect()
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        word().prop_map(Condition::Equal),
        word().prop_map(Condition::NotEqual),
        word().prop_map(Condition::Less),
        word().prop_map(Condition::LessOrEqual),
        word().prop_map(Condition::Greater),
        word().prop_map(Condition::GreaterOrEqual),
        (word(), word()).prop_map(|(from, to)| Condition::Between(from, to)),
        prop::collection::vec(word(), 0..3).prop_map(Condition::In),
        Just(Condition::Exists),
        Just(Condition::Null),
        Just(Condition::Empty),
        word().prop_map(|word| Condition::Contains(word.chars().skip(1).collect())),
        word().prop_map(|word| Condition::StartsWith(word.chars().take(2).collect())),
    ]
}

/// Between the points of the documents, so that rounding decides nothing: with these offsets no edge between two of the points goes through
/// one of a document either.
fn shape() -> impl Strategy<Value = Shape> {
    let point = || (-8..8, -8..8).prop_map(|(lat, lng)| (f64::from(lat) * 10.0 + 3.6296, f64::from(lng) * 10.0 + 4.037));
    prop_oneof![
        (point(), 1..60).prop_map(|(center, distance)| Shape::Radius { center, metres: f64::from(distance) * 100_000.5 }),
        (point(), point()).prop_map(|(a, b)| Shape::Box { top_right: (a.0.max(b.0), a.1), bottom_left: (a.0.min(b.0), b.1) }),
        prop::collection::vec(point(), 3..6).prop_map(Shape::Polygon),
    ]
}

/// Filters over [`ATTRIBUTES`] and `_geo`.
pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let attribute = prop::sample::select(&ATTRIBUTES[..]);
    let leaf = prop_oneof![
        6 => (attribute, condition()).prop_map(|(name, condition)| Filter::Is(Attribute { name: name.to_owned(), place: place() }, condition)),
        1 => shape().prop_map(|shape| Filter::Geo(shape, place())),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Filter::Not(Box::new(part))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner, 2..4).prop_map(Filter::Or),
        ]
    })
}

/// A place decides nothing, but only a parser makes one.
fn place() -> Place {
    match parse(&json!("a EXISTS"), &onggi_domain::limits::Limits::default(), onggi_domain::Code::InvalidSearchFilter) {
        Ok(Some(Filter::Is(attribute, _))) => attribute.place,
        other => panic!("{other:?}"),
    }
}

/// The values at a path, as they are: objects and arrays of objects are descended into.
fn occurrences<'a>(value: &'a Value, path: &[&str], found: &mut Vec<&'a Value>) {
    match (value, path) {
        (value, []) => found.push(value),
        (Value::Object(fields), [first, rest @ ..]) => {
            if let Some(value) = fields.get(*first) {
                occurrences(value, rest, found);
            }
        }
        (Value::Array(items), path) => items.iter().for_each(|item| occurrences(item, path, found)),
        _ => {}
    }
}

fn at<'a>(document: &'a Value, name: &str) -> Vec<&'a Value> {
    let path: Vec<&str> = name.split('.').collect();
    let mut found = Vec::new();
    occurrences(document, &path, &mut found);
    found
}

/// The single values of an attribute. An empty string is none: `IS EMPTY` finds it.
pub(crate) fn scalars(document: &Value, name: &str) -> Vec<Scalar> {
    fn collect(value: &Value, found: &mut Vec<Scalar>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Number(number) => found.push(Scalar::Number(number.as_f64().unwrap())),
            Value::Bool(flag) => found.push(Scalar::Text(flag.to_string())),
            Value::String(text) if !text.is_empty() => found.push(Scalar::Text(normalize_value(text))),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for value in at(document, name) {
        collect(value, &mut found);
    }
    found
}

/// A value as it is compared: numbers come before strings.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Scalar {
    Number(f64),
    Text(String),
}

/// Whether a document is what a filter means.
pub(crate) fn meant(filter: &Filter, document: &Value) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| meant(part, document)),
        Filter::Or(parts) => parts.iter().any(|part| meant(part, document)),
        Filter::Not(part) => !meant(part, document),
        Filter::Is(attribute, condition) => fits(condition, document, &attribute.name),
        Filter::Geo(shape, _) => {
            document.get("_geo").is_some_and(|geo| inside(shape, (geo["lat"].as_f64().unwrap(), geo["lng"].as_f64().unwrap())))
        }
    }
}

fn fits(condition: &Condition, document: &Value, name: &str) -> bool {
    let values = scalars(document, name);
    let number = |wanted: &str| wanted.parse::<f64>().ok();
    let equal = |wanted: &String| {
        values.iter().any(|value| match value {
            Scalar::Number(value) => number(wanted) == Some(*value),
            Scalar::Text(text) => *text == normalize_value(wanted),
        })
    };
    let compared = |wanted: &String, fits: fn(std::cmp::Ordering) -> bool| {
        values.iter().any(|value| match value {
            Scalar::Number(value) => number(wanted).is_some_and(|wanted| fits(value.total_cmp(&wanted))),
            Scalar::Text(text) => fits(text.cmp(&normalize_value(wanted))),
        })
    };
    let between = |from: &String, to: &String| {
        values.iter().any(|value| match value {
            Scalar::Number(value) => number(from).zip(number(to)).is_some_and(|(from, to)| (from..=to).contains(value)),
            Scalar::Text(text) => (normalize_value(from)..=normalize_value(to)).contains(text),
        })
    };
    let text = |fits: &dyn Fn(&str) -> bool| values.iter().any(|value| matches!(value, Scalar::Text(text) if fits(text)));
    match condition {
        Condition::Equal(wanted) => equal(wanted),
        Condition::NotEqual(wanted) => !equal(wanted),
        Condition::In(wanted) => wanted.iter().any(equal),
        Condition::Less(wanted) => compared(wanted, std::cmp::Ordering::is_lt),
        Condition::LessOrEqual(wanted) => compared(wanted, std::cmp::Ordering::is_le),
        Condition::Greater(wanted) => compared(wanted, std::cmp::Ordering::is_gt),
        Condition::GreaterOrEqual(wanted) => compared(wanted, std::cmp::Ordering::is_ge),
        Condition::Between(from, to) => between(from, to),
        Condition::Exists => !at(document, name).is_empty(),
        Condition::Null => at(document, name).into_iter().any(Value::is_null),
        Condition::Empty => at(document, name).into_iter().any(|value| [json!(""), json!([]), json!({})].contains(value)),
        Condition::StartsWith(prefix) => text(&|text| text.starts_with(&normalize_value(prefix))),
        Condition::Contains(part) => text(&|text| text.contains(&normalize_value(part))),
    }
}

fn inside(shape: &Shape, (lat, lng): (f64, f64)) -> bool {
    match shape {
        Shape::Radius { center, metres } => {
            // The angle between two unit vectors.
            let vector = |(lat, lng): (f64, f64)| {
                let (lat, lng) = (lat.to_radians(), lng.to_radians());
                [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
            };
            let cosine: f64 = vector(*center).iter().zip(vector((lat, lng))).map(|(a, b)| a * b).sum();
            cosine.clamp(-1.0, 1.0).acos() * 6_371_008.8 <= *metres
        }
        Shape::Box { top_right: (top, right), bottom_left: (bottom, left) } => {
            let longitudes = if right < left { lng >= *left || lng <= *right } else { *left <= lng && lng <= *right };
            *bottom <= lat && lat <= *top && longitudes
        }
        Shape::Polygon(points) => {
            // How often the line goes around the point: the sum of the angles under which it sees the edges.
            let turn: f64 = (0..points.len())
                .map(|at| {
                    let (from, to) = (points[at], points[(at + 1) % points.len()]);
                    let angle = (to.0 - lat).atan2(to.1 - lng) - (from.0 - lat).atan2(from.1 - lng);
                    (angle + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI
                })
                .sum();
            (turn / std::f64::consts::TAU).round() as i64 % 2 != 0
        }
    }
}
