//! The public keys of identity providers: fetched from outside only, remembered, and renewed beside the requests that use them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use moka::future::Cache;
use onggi_web::egress::Egress;
use parking_lot::Mutex;
use serde_json::Value;

use super::verify::ProviderKey;

/// Key sets that are remembered.
const KNOWN: u64 = 10_000;
/// After so long keys are fetched anew, beside the request that notices; and after so long without success they are not believed in any more.
const FRESH: Duration = Duration::from_mins(5);
const BELIEVED: Duration = Duration::from_hours(1);
/// The rest between two requests to one provider, also when it is asked for a key that it does not have.
const REST: Duration = Duration::from_secs(15);
/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a key set, and keys of it that are looked at.
const SET_BYTES: usize = 256 * 1024;
const KEYS: usize = 100;
/// The shortest modulus of an RSA key, in characters of base64url: 2048 bits.
const MODULUS_CHARS: usize = 342;

/// The keys of a provider that can be used.
#[derive(Clone, Default)]
pub(super) struct KeySet(Arc<[ProviderKey]>);

impl KeySet {
    /// The key of this id; without one, the only key that there is.
    pub(super) fn find(&self, id: Option<&str>) -> Option<ProviderKey> {
        match (id, &*self.0) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)).cloned(),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        }
    }
}

/// Reads a key set; keys that cannot be used are left out.
pub(super) fn parse(set: &Value) -> KeySet {
    let keys = set.get("keys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    KeySet(keys.iter().take(KEYS).filter_map(usable).collect())
}

/// A key for signatures whose one algorithm is known.
fn usable(key: &Value) -> Option<ProviderKey> {
    let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(rsa), None | Some(KeyAlgorithm::RS256)) if rsa.n.len() >= MODULUS_CHARS => Algorithm::RS256,
        (AlgorithmParameters::EllipticCurve(ec), None | Some(KeyAlgorithm::ES256)) if ec.curve == EllipticCurve::P256 => Algorithm::ES256,
        (AlgorithmParameters::OctetKeyPair(okp), None | Some(KeyAlgorithm::EdDSA)) if okp.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    Some(ProviderKey { id: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(&jwk).ok()? })
}

/// Key sets by address.
pub(super) struct KeySets {
    fetch: Arc<Fetch>,
    known: Cache<String, Arc<Entry>>,
}

struct Fetch {
    egress: Egress,
    /// For addresses without TLS: whoever is between could give keys of their own.
    within: Egress,
}

/// What is known of an address.
#[derive(Default)]
struct Entry {
    state: Mutex<State>,
    /// Who waits for a set that nobody has yet waits together.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    set: Option<(KeySet, Instant)>,
    asked: Option<Instant>,
    failure: Option<String>,
}

impl State {
    fn believed(&self, now: Instant) -> Option<&KeySet> {
        self.set.as_ref().filter(|(_, fetched)| now - *fetched < BELIEVED).map(|(set, _)| set)
    }

    fn may_ask(&self, now: Instant) -> bool {
        self.asked.is_none_or(|asked| now - asked >= REST)
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.set.as_ref().is_some_and(|(_, fetched)| now - *fetched < FRESH)
    }
}

impl KeySets {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let known = Cache::builder().max_capacity(KNOWN).time_to_idle(BELIEVED).build();
        Self { fetch: Arc::new(Fetch { egress: Egress::new(networks), within: Egress::within(networks) }), known }
    }

    /// A key of the set at an address. Asks for it when there is none, or not this one; the error says why there is none at all.
    pub(super) async fn find(&self, uri: &str, id: Option<&str>) -> Result<Option<ProviderKey>, String> {
        let entry = self.known.get_with_by_ref(uri, async { Arc::<Entry>::default() }).await;
        let known = |entry: &Entry| entry.state.lock().believed(Instant::now()).and_then(|set| set.find(id));
        if let Some(key) = known(&entry) {
            self.renew(uri, &entry);
            return Ok(Some(key));
        }
        // A key that is not there yet may have been added, or nothing was fetched so far.
        let together = entry.fetching.lock().await;
        if let Some(key) = known(&entry) {
            return Ok(Some(key));
        }
        if entry.state.lock().may_ask(Instant::now()) {
            self.fetch.renew(uri, &entry).await;
        }
        drop(together);
        let state = entry.state.lock();
        match (state.believed(Instant::now()), &state.failure) {
            (Some(set), _) => Ok(set.find(id)),
            (None, Some(why)) => Err(format!("the provider's keys cannot be fetched: {why}")),
            (None, None) => Err("the provider's keys are being fetched".to_owned()),
        }
    }

    /// Fetches a set anew that is not fresh any more, without anybody waiting for it.
    fn renew(&self, uri: &str, entry: &Arc<Entry>) {
        let now = Instant::now();
        {
            let state = entry.state.lock();
            if state.is_fresh(now) || !state.may_ask(now) {
                return;
            }
        }
        let (fetch, uri, entry) = (self.fetch.clone(), uri.to_owned(), entry.clone());
        tokio::spawn(async move {
            if let Ok(_alone) = entry.fetching.try_lock() {
                fetch.renew(&uri, &entry).await;
            }
        });
    }
}

impl Fetch {
    async fn renew(&self, uri: &str, entry: &Entry) {
        entry.state.lock().asked = Some(Instant::now());
        let fetched =
            tokio::time::timeout(PATIENCE, self.fetch(uri)).await.unwrap_or_else(|_| Err("it does not answer in time".to_owned()));
        let mut state = entry.state.lock();
        match fetched {
            Ok(set) => {
                state.set = Some((set, Instant::now()));
                state.failure = None;
            }
            Err(why) => {
                tracing::info!(uri, why, "keys of an identity provider could not be fetched");
                state.failure = Some(why);
            }
        }
    }

    async fn fetch(&self, uri: &str) -> Result<KeySet, String> {
        let encrypted = uri.starts_with("https://");
        let egress = if encrypted { &self.egress } else { &self.within };
        let url = egress.check(uri).map_err(|refused| refused.to_string())?;
        // Who named the address is told no more than that: a name may be one of an inner network.
        let failed = |error: reqwest::Error| {
            tracing::debug!(uri, error = onggi_web::upstream::chain(&error.without_url()), "identity provider was not reached");
            if encrypted {
                "it cannot be reached at a public address".to_owned()
            } else {
                "it cannot be reached in `controller.webhook_networks`; elsewhere its address has to begin with `https://`".to_owned()
            }
        };
        let mut response = egress.client().get(url).header("accept", "application/json").send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(format!("it answers {}", response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > SET_BYTES {
                return Err(format!("its answer has more than {SET_BYTES} bytes"));
            }
        }
        let set: Value = serde_json::from_slice(&body).map_err(|error| format!("its answer is no key set: {error}"))?;
        if set.get("keys").is_none_or(|keys| !keys.is_array()) {
            return Err("its answer is no key set: it has no `keys`".to_owned());
        }
        Ok(parse(&set))
    }
}
