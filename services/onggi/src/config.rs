//! The configuration: one TOML file, then `ONGGI_*` variables, then the command line. Read once, at the start.
//!
//! `ONGGI_LIMITS__BODY_BYTES=20MiB` sets `limits.body_bytes`. An unknown key is refused, and the nearest known one named.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Value},
};
use ipnet::IpNet;
use onggi_admin::portal::PortalConfig;
use onggi_bucket::{Sts, StsConfig};
use onggi_controller::{ControllerConfig, kubernetes::KubernetesConfig};
use onggi_domain::{container::SizeTable, limits::Limits, plan::PlanTable};
use onggi_gateway::counting::CountingConfig;
use onggi_web::trace::TraceConfig;
use serde::{Deserialize, Serialize};

/// Variables after `ONGGI_` that are read elsewhere.
const ELSEWHERE: [&str; 6] = ["URL", "KEY", "CONFIG", "DEV_KEY", "WORKER_LOG", "BUCKET_CREDENTIALS"];

/// Everything that can be configured, with its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the embedded database, bucket and workers keep their files.
    pub(crate) data: PathBuf,
    /// Where the public API listens.
    pub(crate) listen: SocketAddr,
    /// Where `/metrics` is served, for the operator's network only; absent: not at all.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Log directives, such as `info,onggi_controller=debug`.
    pub(crate) log: String,
    /// The server's secret, from which API keys are derived: 32 characters or more. Absent: made at the first start and kept in `data/secret`.
    pub(crate) secret: Option<Secret>,
    /// The metadata database: `sqlite:PATH` or `postgres://...`. Absent: SQLite in `data`.
    pub(crate) database: Option<Secret>,
    /// The object store.
    pub(crate) bucket: BucketConfig,
    /// Limits of the public API.
    pub(crate) limits: Limits,
    /// The size classes that tenants can select.
    pub(crate) sizes: SizeTable,
    /// The plans of tenants, their quotas and prices.
    pub(crate) plans: PlanTable,
    /// How searches are counted and queries logged.
    pub(crate) analytics: CountingConfig,
    /// What the controller does when.
    pub(crate) controller: ControllerConfig,
    /// What the services show each other when each is a process of its own: 32 characters or more, the same for all. `up` makes its own.
    pub(crate) internal_secret: Option<Secret>,
    /// Where the services are when each is a process of its own.
    pub(crate) services: ServicesConfig,
    /// How containers are run on Kubernetes.
    pub(crate) kubernetes: KubernetesConfig,
    /// Where traces go.
    pub(crate) telemetry: TraceConfig,
    /// The portal.
    pub(crate) portal: PortalConfig,
    /// Networks of proxies before the gateway, such as an ingress: whom they say they ask for is believed.
    pub(crate) proxies: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("onggi-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            metrics_listen: None,
            log: "warn".to_owned(),
            secret: None,
            database: None,
            bucket: BucketConfig::default(),
            limits: Limits::default(),
            sizes: SizeTable::default(),
            plans: PlanTable::default(),
            analytics: CountingConfig::default(),
            // On one's own machine, what is told of tasks is likely to be on it too.
            controller: ControllerConfig { webhook_networks: loopback(), ..ControllerConfig::default() },
            internal_secret: None,
            services: ServicesConfig::default(),
            kubernetes: KubernetesConfig::default(),
            telemetry: TraceConfig::default(),
            portal: PortalConfig::default(),
            proxies: Vec::new(),
        }
    }
}

/// Where the services are, and how each of them is run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServicesConfig {
    /// Address of the uploader.
    pub(crate) uploader: url::Url,
    /// Address of the admin service.
    pub(crate) admin: url::Url,
    /// Address of the controllers.
    pub(crate) controller: url::Url,
    /// Address of the gateway, which pages of the portal ask.
    pub(crate) gateway: url::Url,
    /// Where this process can be reached by its like, if that is not `listen`: a pod's own address.
    pub(crate) address: Option<SocketAddr>,
    /// Where probes and metrics are served.
    pub(crate) probes: SocketAddr,
    /// How long a process that ends goes on answering, so that callers hear of it.
    #[serde(with = "humantime_serde")]
    pub(crate) drain: Duration,
}

impl Default for ServicesConfig {
    fn default() -> Self {
        let url = |service: &str| format!("http://onggi-{service}:7700").parse().expect("a URL");
        Self {
            uploader: url("uploader"),
            admin: url("admin"),
            controller: url("controller"),
            gateway: url("gateway"),
            address: None,
            probes: ([0, 0, 0, 0], 7709).into(),
            drain: Duration::from_secs(5),
        }
    }
}

fn loopback() -> Vec<IpNet> {
    let networks = ["127.0.0.0/8", "::1/128"];
    networks.iter().map(|network| network.parse().expect("it is a network")).collect()
}

/// The object store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BucketConfig {
    /// `file:///dir` or `s3://bucket/path`. Absent: a directory in `data`.
    pub(crate) url: Option<String>,
    /// Options of the store, such as `aws_access_key_id`; hidden when shown.
    pub(crate) options: std::collections::BTreeMap<String, Secret>,
    /// Where each index's workers get credentials from that reach its prefix only, on Kubernetes. Absent: all have those of `options`.
    pub(crate) sts: Option<StsConfig>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

impl Config {
    /// Reads `file` (which must exist when it is named) and the environment.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut given = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                bail!("configuration file {} does not exist", file.display());
            }
            given = given.merge(Toml::file_exact(file));
        }
        given = given.merge(Env::prefixed("ONGGI_").split("__").ignore(&ELSEWHERE));
        Self::from_given(&given)
    }

    /// The configuration that `ONGGI_*` variables give, by their names without that.
    #[cfg(test)]
    pub(crate) fn from_variables(variables: impl Iterator<Item = (String, String)>) -> anyhow::Result<Self> {
        let mut given = Figment::new();
        for (name, value) in variables {
            let value: Value = value.parse().context("a value of the configuration")?;
            given = given.merge((name.replace("__", "."), value));
        }
        Self::from_given(&given)
    }

    fn from_given(given: &Figment) -> anyhow::Result<Self> {
        let keys: Dict = given.extract().context("configuration cannot be read")?;
        refuse_unknown(&keys)?;
        let config: Self = Figment::from(Serialized::defaults(Self::default())).merge(given).extract().context("configuration")?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> anyhow::Result<()> {
        for (name, secret) in [("secret", &self.secret), ("internal_secret", &self.internal_secret)] {
            if let Some(Secret(secret)) = secret
                && (secret.len() < 32 || !secret.bytes().all(|byte| byte.is_ascii_graphic()))
            {
                bail!("configuration: {name} has {} characters; give 32 or more of ASCII, without spaces", secret.len());
            }
        }
        if let Some(sts) = &self.bucket.sts {
            sts.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        }
        self.telemetry.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        self.portal.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        self.kubernetes.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        if self.sizes.0.is_empty() {
            bail!("configuration: sizes is empty; name at least one size class");
        }
        self.plans.validate(&self.sizes).map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        self.limits.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        self.analytics.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))?;
        self.controller.validate().map_err(|why| anyhow::anyhow!("configuration: {why}"))
    }

    /// The URL of the metadata database.
    pub(crate) fn database_url(&self) -> String {
        self.database.as_ref().map_or_else(|| format!("sqlite:{}", self.data.join("metadata.sqlite").display()), |url| url.0.clone())
    }

    /// The URL of the bucket; makes its directory when it is the embedded one.
    pub(crate) fn bucket_url(&self) -> anyhow::Result<String> {
        if let Some(url) = &self.bucket.url {
            return Ok(url.clone());
        }
        let directory = self.data.join("bucket");
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let directory = directory.canonicalize().with_context(|| format!("cannot find {}", directory.display()))?;
        let url =
            url::Url::from_directory_path(&directory).map_err(|()| anyhow::anyhow!("{} is not a path for a URL", directory.display()))?;
        Ok(url.to_string())
    }

    /// The options of the bucket.
    pub(crate) fn bucket_options(&self) -> Vec<(String, String)> {
        self.bucket.options.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect()
    }

    /// Where workers get credentials of their own from, if that is configured.
    pub(crate) fn sts(&self) -> anyhow::Result<Option<Sts>> {
        let Some(sts) = &self.bucket.sts else { return Ok(None) };
        Ok(Some(Sts::new(&self.bucket_url()?, &self.bucket_options(), sts.clone()).context("cannot ask for scoped credentials")?))
    }

    /// The server's secret; made and kept in `data/secret` when none is configured.
    pub(crate) fn server_secret(&self) -> anyhow::Result<String> {
        if let Some(Secret(secret)) = &self.secret {
            return Ok(secret.clone());
        }
        let path = self.data.join("secret");
        if let Ok(secret) = std::fs::read_to_string(&path) {
            return Ok(secret.trim().to_owned());
        }
        std::fs::create_dir_all(&self.data).with_context(|| format!("cannot make {}", self.data.display()))?;
        let secret = random_secret();
        write_private(&path, &secret).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(secret)
    }

    /// The effective configuration as TOML, secrets hidden.
    pub(crate) fn show(&self) -> anyhow::Result<String> {
        toml::to_string_pretty(self).context("configuration cannot be shown")
    }
}

/// 256 random bits as hex.
pub(crate) fn random_secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write;
        write!(text, "{byte:02x}").expect("a string takes what is written");
        text
    })
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Keys that may stand in the configuration although the defaults leave them out.
const OPTIONAL: [&str; 13] = [
    "metrics_listen",
    "secret",
    "internal_secret",
    "database",
    "bucket.url",
    "bucket.options",
    "bucket.sts",
    "bucket.sts.role",
    "bucket.sts.endpoint",
    "bucket.sts.session_time",
    "services.address",
    "telemetry.otlp",
    "portal.public_url",
];

fn refuse_unknown(given: &Dict) -> anyhow::Result<()> {
    let Value::Dict(_, defaults) = Value::serialize(Config::default()).context("the defaults are plain data")? else {
        bail!("the defaults are a table");
    };
    let mut known: Vec<String> = OPTIONAL.map(str::to_owned).to_vec();
    paths(&defaults, "", &mut known);
    let mut keys = Vec::new();
    paths(given, "", &mut keys);
    for key in keys {
        let below_open_table = ["bucket.options.", "kubernetes.node_selector.", "portal.oidc."].iter().any(|table| key.starts_with(table));
        if below_open_table || known.contains(&key) {
            continue;
        }
        let nearest = known.iter().min_by_key(|candidate| strsim::damerau_levenshtein(candidate, &key)).map_or("", String::as_str);
        bail!("configuration: `{key}` is not known; did you mean `{nearest}`?");
    }
    Ok(())
}

fn paths(table: &Dict, prefix: &str, into: &mut Vec<String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let Value::Dict(_, inner) = value {
            paths(inner, &path, into);
        }
        into.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(toml: &str) -> anyhow::Result<Config> {
        Config::from_given(&Figment::new().merge(Toml::string(toml)))
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(parse("").unwrap().listen.port(), 7700);
    }

    #[test]
    fn a_section_changes_what_it_names_and_keeps_the_rest() {
        let config = parse("listen = \"127.0.0.1:1\"\n[limits]\nbody_bytes = \"1MiB\"").unwrap();
        assert_eq!(config.limits.body_bytes, bytesize::ByteSize::mib(1));
        assert_eq!(config.limits.query_words, Limits::default().query_words);
    }

    #[test]
    fn limits_that_leave_no_room_for_one_request_are_refused() {
        parse("[limits]\nupload_bytes = \"2GiB\"").unwrap();
        for (toml, named) in [("upload_bytes = \"3GiB\"", "limits.uploading_bytes"), ("body_bytes = \"40MiB\"", "limits.held_bytes")] {
            let error = parse(&format!("[limits]\n{toml}")).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_nearest_named() {
        let error = parse("[limits]\nbody_byte = 1").unwrap_err().to_string();
        assert!(error.contains("`limits.body_byte` is not known") && error.contains("`limits.body_bytes`"), "{error}");
        let error = parse("lisen = 1").unwrap_err().to_string();
        assert!(error.contains("did you mean `listen`"), "{error}");
    }

    #[test]
    fn plans_are_replaced_and_checked() {
        let plan = "name = \"one\"\nmax_indexes = 1\nmax_replicas_per_index = 1\nmax_replicas = 1\nmax_documents = 10\nmax_storage = \"1MiB\"\n\
                    requests_per_second = 5\nmax_cpu_millis = 500\nmax_memory = \"1GiB\"\n[plans.list.prices]\ncurrency = \"KRW\"\ncontainer_hour = {small = 15}\n";
        let config = parse(&format!("[plans]\ndefault = \"one\"\nsign_up = \"one\"\n[[plans.list]]\n{plan}")).unwrap();
        assert_eq!((config.plans.list.len(), config.plans.of(None).prices.container_hour["small"]), (1, 15.0));
        let error = parse(&format!("[plans]\nsign_up = \"two\"\n[[plans.list]]\n{plan}")).unwrap_err().to_string();
        assert!(error.contains("plans."), "{error}");
        assert!(parse("[analytics]\nlog_one_in = 0").unwrap_err().to_string().contains("log_one_in"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = parse("secret = \"0123456789abcdef0123456789abcdef\"\ndatabase = \"postgres://u:s3cr3t@h/d\"\n[bucket.options]\naws_secret_access_key = \"xyz\"").unwrap();
        let text = shown.show().unwrap() + &format!("{shown:?}");
        for secret in ["0123456789", "s3cr3t", "xyz"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(parse("secret = \"short\"").unwrap_err().to_string().contains("32"));
    }
}
