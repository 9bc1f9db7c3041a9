//! A small language for schemas, and what it means in OpenAPI.

use utoipa::openapi::{
    KnownFormat, Ref, RefOr, SchemaFormat,
    schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type as JsonType},
};

/// A schema and its name.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) kind: Kind,
}

/// What a named schema is.
pub(super) enum Kind {
    /// An object: name of the field with `!` after it if it has to be there, type, and what it is. Without fields: any.
    Fields(&'static [(&'static str, Type, &'static str)]),
    List(Type),
    Value(Type),
}

/// The type of a field.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Text,
    Integer,
    Number,
    Flag,
    Texts,
    Time,
    Any,
    OneOf(&'static [&'static str]),
    /// A named schema.
    Of(&'static str),
    List(&'static Type),
    /// An object whose fields all have this type.
    Map(&'static Type),
}

impl Named {
    pub(super) fn schema(&self) -> RefOr<Schema> {
        match self.kind {
            Kind::Fields(fields) => {
                let object = ObjectBuilder::new().schema_type(JsonType::Object).description(Some(self.says));
                let object = fields.iter().fold(object, |object, (name, kind, says)| match name.strip_suffix('!') {
                    Some(name) => object.property(name, kind.schema(says)).required(name),
                    None => object.property(*name, kind.schema(says)),
                });
                let object =
                    if fields.is_empty() { object.additional_properties(Some(AdditionalProperties::FreeForm(true))) } else { object };
                object.into()
            }
            Kind::List(of) => ArrayBuilder::new().items(of.schema("")).description(Some(self.says)).into(),
            Kind::Value(of) => of.schema(self.says),
        }
    }
}

impl Type {
    pub(super) fn schema(self, says: &str) -> RefOr<Schema> {
        let says = Some(says).filter(|says| !says.is_empty());
        let plain = |kind: JsonType| ObjectBuilder::new().schema_type(kind).description(says);
        match self {
            Self::Text => plain(JsonType::String).into(),
            Self::Integer => plain(JsonType::Integer).into(),
            Self::Number => plain(JsonType::Number).into(),
            Self::Flag => plain(JsonType::Boolean).into(),
            Self::Time => plain(JsonType::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into(),
            Self::Any => ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(says).into(),
            Self::OneOf(names) => plain(JsonType::String).enum_values(Some(names.iter().copied())).into(),
            Self::Texts => ArrayBuilder::new().items(Self::Text.schema("")).description(says).into(),
            Self::List(of) => ArrayBuilder::new().items(of.schema("")).description(says).into(),
            Self::Map(of) => plain(JsonType::Object).additional_properties(Some(of.schema(""))).into(),
            Self::Of(name) => RefOr::Ref(Ref::from_schema_name(name)),
        }
    }
}
