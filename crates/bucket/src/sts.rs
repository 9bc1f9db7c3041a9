//! Credentials for one index: asked of the platform's security token service (`AssumeRole`) with a session policy that allows the index's prefix
//! and nothing else. Amazon's service, and those of S3 servers that speak its language (MinIO, Ceph).
//!
//! The role allows what all indexes need; what a session may do is what role *and* policy allow.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, header::CONTENT_TYPE};
use object_store::{
    ClientOptions,
    aws::{AwsAuthorizer, AwsCredentialProvider},
    client::{HttpClient, HttpConnector, HttpRequest, ReqwestConnector},
    path::Path,
};
use onggi_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{Error, Result, store};

/// How scoped credentials are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StsConfig {
    /// The role that is assumed, such as `arn:aws:iam::123456789012:role/onggi-workers`.
    pub role: String,
    /// Address of the service; `None`: Amazon's in the bucket's region.
    #[serde(default)]
    pub endpoint: Option<Url>,
    /// How long credentials are good for, between 15 minutes and 12 hours.
    #[serde(with = "humantime_serde", default = "an_hour")]
    pub session_time: Duration,
}

fn an_hour() -> Duration {
    Duration::from_hours(1)
}

impl StsConfig {
    /// What is wrong with it, if anything.
    pub fn validate(&self) -> std::result::Result<(), String> {
        if !(Duration::from_mins(15)..=Duration::from_hours(12)).contains(&self.session_time) {
            return Err("bucket.sts.session_time must be 15 minutes to 12 hours".to_owned());
        }
        if self.role.is_empty() { Err("bucket.sts.role is missing: the role that workers get".to_owned()) } else { Ok(()) }
    }
}

/// Credentials that reach one index's prefix, as they are handed to its workers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopedCredentials {
    /// The id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// What makes them a session's.
    pub session_token: String,
    /// Until when they are good.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for ScopedCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopedCredentials").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The security token service.
#[derive(Clone)]
pub struct Sts {
    client: HttpClient,
    /// Who asks.
    credentials: AwsCredentialProvider,
    region: String,
    endpoint: Url,
    /// The bucket's name, and where in it everything is.
    bucket: String,
    base: Path,
    config: StsConfig,
}

impl Sts {
    /// The service for the bucket at `url`, asked with the credentials in `options`, or those that the platform gives to this process.
    pub fn new(url: &str, options: &[(String, String)], config: StsConfig) -> Result<Self> {
        let refuse = |why: String| store::refuse(url, why);
        let parsed = Url::parse(url).map_err(|error| refuse(format!("not a URL: {error}")))?;
        if !matches!(parsed.scheme(), "s3" | "s3a") {
            return Err(refuse("scoped credentials are for S3 only".to_owned()));
        }
        let opened = store::s3_builder(&parsed, options)?.build().map_err(Error::store("opening", &Path::default()))?;
        let named = parsed.query_pairs().find(|(name, _)| matches!(name.as_ref(), "region" | "aws_region"));
        let option = || options.iter().find(|(name, _)| name.eq_ignore_ascii_case("aws_region")).map(|(_, value)| value.clone());
        let region = named.map(|(_, value)| value.into_owned()).or_else(option).unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = match &config.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse(&format!("https://sts.{region}.amazonaws.com/")).map_err(|error| refuse(error.to_string()))?,
        };
        let client = ReqwestConnector::default()
            .connect(&ClientOptions::new().with_allow_http(endpoint.scheme() == "http"))
            .map_err(Error::store("connecting to", &Path::default()))?;
        Ok(Self {
            client,
            credentials: Arc::clone(opened.credentials()),
            region,
            endpoint,
            bucket: parsed.host_str().unwrap_or_default().to_owned(),
            base: Path::parse(parsed.path()).map_err(|error| refuse(error.to_string()))?,
            config,
        })
    }

    /// New credentials for what lies below `prefix`. `session` names them in the service's own records.
    pub async fn assume(&self, prefix: &str, session: &str) -> Result<ScopedCredentials> {
        let failed = |why: String| store::refuse(self.endpoint.as_str(), why);
        let mut request = HttpRequest::new(self.form(prefix, session).into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.as_str().parse().map_err(|error| failed(format!("not an address: {error}")))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"));
        let credential = self.credentials.get_credential().await.map_err(|error| failed(error.to_string()))?;
        AwsAuthorizer::new(&credential, "sts", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| failed(error.to_string()))?;
        let response = self.client.execute(request).await.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let body: Bytes = response.into_body().bytes().await.map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() {
            let code = element(&text, "Code").unwrap_or("no code");
            let message = element(&text, "Message").unwrap_or_default();
            return Err(failed(format!("the role was not granted: {} {code}: {message}", status.as_u16())));
        }
        read(&text).ok_or_else(|| failed("the answer holds no credentials".to_owned()))
    }

    fn form(&self, prefix: &str, session: &str) -> String {
        let seconds = self.config.session_time.as_secs().to_string();
        let policy = policy(&self.bucket, &self.base, prefix).to_string();
        form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRole")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &self.config.role)
            .append_pair("RoleSessionName", session)
            .append_pair("DurationSeconds", &seconds)
            .append_pair("Policy", &policy)
            .finish()
    }
}

/// What a session may do: all that a worker does, below its prefix.
fn policy(bucket: &str, base: &Path, prefix: &str) -> Value {
    let below = base.parts().chain(Path::from(prefix).parts()).collect::<Path>();
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
                ],
                "Resource": [format!("arn:aws:s3:::{bucket}/{below}/*")],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [format!("arn:aws:s3:::{bucket}")],
                "Condition": {"StringLike": {"s3:prefix": [format!("{below}/*")]}},
            },
        ],
    })
}

fn read(answer: &str) -> Option<ScopedCredentials> {
    let text = |name: &str| element(answer, name).map(str::to_owned);
    Some(ScopedCredentials {
        access_key_id: text("AccessKeyId")?,
        secret_access_key: text("SecretAccessKey")?,
        session_token: text("SessionToken")?,
        expires_at: element(answer, "Expiration")?.parse().ok()?,
    })
}

/// The text of the first element of this name. None of those that are read has a character that XML escapes.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    const GRANTED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
        <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s3cr+t/=</SecretAccessKey><SessionToken>t0k+n/==</SessionToken>\
        <Expiration>2026-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    const REFUSED: &str = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>";

    /// A service that gives one answer; resolves to the request that it was asked with.
    async fn service(status: &'static str, body: &'static str) -> (Url, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                stream.read_buf(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request).into_owned();
                if let Some((head, form)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if length == Some(form.len()) {
                        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                        stream.write_all(answer.as_bytes()).await.unwrap();
                        return text;
                    }
                }
            }
        });
        (url, asked)
    }

    fn sts(endpoint: Url) -> Sts {
        let options = [("aws_access_key_id", "AKIA0"), ("aws_secret_access_key", "secret")];
        let config =
            StsConfig { role: "arn:aws:iam::1:role/workers".to_owned(), endpoint: Some(endpoint), session_time: Duration::from_hours(1) };
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Sts::new("s3://jars/all?region=eu-west-1", &options, config).unwrap()
    }

    #[tokio::test]
    async fn a_role_is_assumed_for_a_prefix_with_a_signed_request() {
        let (endpoint, asked) = service("200 OK", GRANTED).await;
        let credentials = sts(endpoint).assume("indexes/t/i", "onggi-i").await.unwrap();
        assert_eq!((credentials.access_key_id.as_str(), credentials.secret_access_key.as_str()), ("ASIA1", "s3cr+t/="));
        assert_eq!((credentials.session_token.as_str(), credentials.expires_at.to_string().as_str()), ("t0k+n/==", "2026-01-02T03:04:05Z"));
        assert!(!format!("{credentials:?}").contains("s3cr"));
        let request = asked.await.unwrap();
        let (head, form) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST / HTTP/1.1"), "{head}");
        assert!(head.contains("Credential=AKIA0/") && head.contains("/eu-west-1/sts/aws4_request"), "{head}");
        let fields: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap();
        assert_eq!((field("Action"), field("RoleArn")), ("AssumeRole", "arn:aws:iam::1:role/workers"));
        assert_eq!((field("RoleSessionName"), field("DurationSeconds")), ("onggi-i", "3600"));
        let policy: Value = serde_json::from_str(field("Policy")).unwrap();
        assert_eq!(policy["Statement"][0]["Resource"], json!(["arn:aws:s3:::jars/all/indexes/t/i/*"]));
    }

    #[tokio::test]
    async fn a_refusal_says_why() {
        let (endpoint, _asked) = service("403 Forbidden", REFUSED).await;
        let error = sts(endpoint).assume("indexes/t/i", "onggi-i").await.unwrap_err().to_string();
        assert!(error.contains("403 AccessDenied: not for you"), "{error}");
    }

    #[test]
    fn a_session_reaches_its_prefix_and_lists_nothing_else() {
        let policy = policy("b", &Path::default(), "indexes/t/i");
        assert_eq!(policy["Statement"][0]["Resource"], json!(["arn:aws:s3:::b/indexes/t/i/*"]));
        assert_eq!(policy["Statement"][1]["Condition"]["StringLike"]["s3:prefix"], json!(["indexes/t/i/*"]));
        // Amazon's limit on a policy that comes with a request.
        let long = super::policy(&"b".repeat(63), &"p/".repeat(100).as_str().into(), &format!("indexes/{0}/{0}", uuid::Uuid::nil()));
        assert!(long.to_string().len() <= 2048);
    }

    #[test]
    fn only_s3_has_scoped_credentials() {
        let config = StsConfig { role: "r".to_owned(), endpoint: None, session_time: Duration::from_hours(1) };
        assert!(Sts::new("file:///x", &[], config).err().unwrap().to_string().contains("S3 only"));
    }
}
