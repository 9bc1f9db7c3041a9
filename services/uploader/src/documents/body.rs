//! The bytes of a request: decompressed as they come, counted, and cut off when they are too many or a bomb.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_compression::{
    tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::{HeaderMap, header::CONTENT_ENCODING};
use onggi_domain::{ApiError, Code, limits::Limits};
use onggi_web::body::too_large;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// Decoded bytes are handed on in pieces of this size.
const PIECE: usize = 256 << 10;
/// Up to here any compression ratio is believed.
const RATIO_FROM: u64 = 1 << 20;
/// The largest zstd window, as a power of two: the 8 MiB that RFC 8878 asks decoders to support. What a frame wants is
/// allocated before anything is decoded.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A request's body, decoded.
pub(crate) struct Decoded {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    /// Bytes taken from the network.
    received: Arc<AtomicU64>,
    /// Bytes handed on.
    produced: u64,
    max_bytes: u64,
    max_ratio: u64,
}

impl Decoded {
    /// Decodes what `content-encoding` says, up to `max_bytes`.
    pub(crate) fn new(headers: &HeaderMap, body: Body, max_bytes: u64, limits: &Limits) -> Result<Self, ApiError> {
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        let stream = body.into_data_stream().map_err(std::io::Error::other).inspect_ok(move |bytes| {
            counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
        let raw = StreamReader::new(stream);
        let encoding = headers.get(CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?")).trim().to_ascii_lowercase();
        let reader: Pin<Box<dyn AsyncRead + Send>> = match encoding.as_str() {
            "" | "identity" => Box::pin(raw),
            "gzip" | "x-gzip" => Box::pin(multiple(GzipDecoder::new(raw))),
            "deflate" => Box::pin(DeflateDecoder::new(raw)),
            "br" => Box::pin(BrotliDecoder::new(raw)),
            "zstd" => Box::pin(ZstdDecoder::with_params(raw, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)])),
            _ => {
                let message =
                    format!("The Content-Encoding `{encoding}` is invalid. Accepted values are: `gzip`, `deflate`, `br`, `zstd`.");
                return Err(ApiError::new(Code::UnsupportedMediaType, message));
            }
        };
        Ok(Self { reader, received, produced: 0, max_bytes, max_ratio: limits.decompression_ratio })
    }

    /// The next piece; `None`: that was all.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let mut piece = BytesMut::with_capacity(PIECE);
        while piece.len() < PIECE {
            let read = self.reader.read_buf(&mut piece).await.map_err(|error| unreadable(&error))?;
            if read == 0 {
                break;
            }
            self.produced += read as u64;
            self.check()?;
        }
        Ok((!piece.is_empty()).then(|| piece.freeze()))
    }

    /// All of it at once: for bodies with a small limit.
    pub(crate) async fn whole(mut self) -> Result<Bytes, ApiError> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    fn check(&self) -> Result<(), ApiError> {
        if self.produced > self.max_bytes {
            return Err(too_large(self.max_bytes));
        }
        let received = self.received.load(Ordering::Relaxed).max(1);
        if self.produced > RATIO_FROM && self.produced / received > self.max_ratio {
            let message = format!(
                "The provided payload becomes more than {} times larger by decompression, which is taken for a decompression bomb.",
                self.max_ratio
            );
            return Err(ApiError::new(Code::PayloadTooLarge, message));
        }
        Ok(())
    }
}

/// A gzip file may consist of several members.
fn multiple<R>(mut decoder: GzipDecoder<R>) -> GzipDecoder<R>
where
    R: tokio::io::AsyncBufRead,
{
    decoder.multiple_members(true);
    decoder
}

fn unreadable(error: &std::io::Error) -> ApiError {
    ApiError::new(Code::BadRequest, format!("The provided payload is incomplete and cannot be parsed: {error}."))
}
