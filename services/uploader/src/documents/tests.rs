//! The pipeline without HTTP: whatever the pieces, the same documents come out, and nothing that `serde_json` would refuse.

use std::{fmt::Write, io::Read};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// The documents that come out of `body` in pieces of these sizes (the last one repeats), or the error.
fn run(format: Format, body: &[u8], sizes: &[usize]) -> std::result::Result<Vec<u8>, ApiError> {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let input = Input { format, delimiter: b',', primary_key: Some("id".to_owned()), spool: directory.path(), limits: &limits };
    let result = (|| {
        let mut intake = Intake::new(&input)?;
        let (mut rest, mut sizes) = (body, sizes.iter().copied());
        let mut size = usize::MAX;
        while !rest.is_empty() {
            size = sizes.next().unwrap_or(size).clamp(1, rest.len());
            intake.feed(&rest[..size])?;
            rest = &rest[size..];
        }
        intake.finish()
    })();
    match result {
        Ok(accepted) => {
            let Spooled::Inline(bytes) = accepted.spooled else { panic!("small uploads stay in memory") };
            let mut ndjson = Vec::new();
            zstd::Decoder::new(&bytes[..]).unwrap().read_to_end(&mut ndjson).unwrap();
            assert_eq!(accepted.raw_bytes, ndjson.len() as u64);
            assert_eq!(accepted.documents, memchr::memchr_iter(b'\n', &ndjson).count() as u64);
            Ok(ndjson)
        }
        Err(Error::Api(error)) => Err(error),
        Err(Error::Internal(error)) => panic!("{error}"),
    }
}

fn documents(ndjson: &[u8]) -> Vec<Map<String, Value>> {
    ndjson.split_inclusive(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        r#"["\\\[\]{},:\n 가😀]{0,12}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((r#"[a-z"\\ ]{0,4}"#, inner), 0..4).prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    (any::<u32>(), prop::collection::vec(("[a-z]{3,6}", value()), 0..4)).prop_map(|(id, fields)| {
        let mut document = Map::from_iter([("id".to_owned(), json!(id))]);
        document.extend(fields);
        Value::Object(document)
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..40_usize, 0..20)
}

proptest! {
    #[test]
    fn an_array_in_any_pieces_gives_the_documents_that_serde_json_reads(
        array in prop::collection::vec(document(), 0..6), sizes in sizes(), pretty in any::<bool>(), ndjson in any::<bool>()
    ) {
        let write = if pretty { serde_json::to_string_pretty::<Value> } else { serde_json::to_string::<Value> };
        let (format, body) = if ndjson && !array.is_empty() {
            (Format::Ndjson, array.iter().map(|document| write(document).unwrap()).collect::<Vec<_>>().join("\n"))
        } else {
            (Format::Json, write(&Value::from(array.clone())).unwrap())
        };
        let found = run(format, body.as_bytes(), &sizes).unwrap();
        let expected: Vec<Map<String, Value>> = array.iter().map(|document| serde_json::from_str(&document.to_string()).unwrap()).collect();
        prop_assert_eq!(documents(&found), expected);
        if !pretty {
            let text: String = array.iter().flat_map(|document| [document.to_string(), "\n".to_owned()]).collect();
            prop_assert_eq!(String::from_utf8(found).unwrap(), text, "the text is kept as it came");
        }
    }

    #[test]
    fn damaged_json_is_judged_as_serde_json_does_and_the_same_in_any_pieces(
        array in prop::collection::vec(document(), 1..4), sizes in sizes(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut body = Value::from(array).to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let whole = run(Format::Json, &body, &[]);
        prop_assert_eq!(&run(Format::Json, &body, &sizes), &whole);
        match (whole, serde_json::from_slice::<Vec<Map<String, Value>>>(&body)) {
            (Ok(found), Ok(expected)) => prop_assert_eq!(documents(&found), expected),
            (Ok(_), Err(error)) => {
                // The first byte was changed so that one object is left of the array.
                let one = serde_json::from_slice::<Map<String, Value>>(&body);
                prop_assert!(one.is_ok(), "accepted what serde_json refuses: {error}");
            }
            (Err(error), Err(_)) => prop_assert!(!error.message.is_empty()),
            // The id was changed into one that is not valid, or a key so that it is missing or there twice.
            (Err(error), Ok(_)) => prop_assert!(error.message.starts_with("Document "), "{}", error.message),
        }
    }

    #[test]
    fn csv_in_any_pieces_gives_the_same_documents(
        rows in prop::collection::vec((any::<u32>(), "[a-z,\"\n가 ]{0,8}", any::<i32>()), 0..6), sizes in sizes()
    ) {
        let mut body = "id:number,text,n:number\n".to_owned();
        let mut expected = Vec::new();
        for (id, text, number) in rows {
            writeln!(body, "{id},\"{}\",{number}", text.replace('"', "\"\"")).unwrap();
            let text = if text.trim().is_empty() { Value::Null } else { text.into() };
            expected.push(json!({"id": id, "text": text, "n": number}).as_object().unwrap().clone());
        }
        prop_assert_eq!(documents(&run(Format::Csv, body.as_bytes(), &sizes).unwrap()), expected);
    }
}

#[test]
fn an_error_names_line_and_column_of_the_whole_body() {
    let body = b"[\n  {\"id\": 1},\n  {\"id\": 2,\n   \"name\": nope}\n]";
    for size in [1, 7, 100] {
        let error = run(Format::Json, body, &[size]).unwrap_err();
        assert_eq!(error.code, Code::MalformedPayload);
        assert_eq!(error.message, "The `json` payload provided is malformed: `expected ident at line 4 column 13`.");
    }
}

#[test]
fn what_a_reader_of_the_whole_document_would_refuse_is_refused() {
    for text in [r#"{"id":1,"a":"\ud800"}"#, r#"{"id":1,"a":1e999}"#, "{\"id\":1,\"a\":\"\u{1}\"}", r#"{"id":1,"a":01}"#] {
        assert!(serde_json::from_str::<Value>(text).is_err());
        assert_eq!(run(Format::Json, text.as_bytes(), &[]).unwrap_err().code, Code::MalformedPayload, "{text}");
    }
}

#[test]
fn a_large_upload_goes_to_a_file_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(directory.path()).unwrap();
    // Hex digits of a counter's square do not compress to less than the part that stays in memory.
    let text: Vec<u8> = (0..400_000_u64).flat_map(|n| format!("{:x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).into_bytes()).collect();
    spool.write(&text).unwrap();
    let Spooled::Large(stream) = spool.finish().unwrap() else { panic!("it is too large for a log entry") };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pieces: Vec<bytes::Bytes> = runtime.block_on(futures::TryStreamExt::try_collect(stream)).unwrap();
    let compressed = pieces.concat();
    assert!(compressed.len() > 1 << 20);
    assert!(zstd::decode_all(&compressed[..]).unwrap() == text, "what was written comes back");
}
