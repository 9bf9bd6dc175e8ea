use super::freshness::lifetime;
use super::{FetchError, MetadataError, ProviderMetadata};
use crate::crypto::keys::KeySet;
use crate::lock::lock;
use crate::net::client::{ClientError, ClientErrorKind, HttpClient};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, application/jwk-set+json");

/// How long a discovery document is gone by while the keys are where it says.
const REDISCOVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where keys are.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Url(String),
    Discovery { issuer: String },
}

#[derive(Clone, Debug)]
struct Discovered {
    url: String,
    since: Duration,
}

/// Fetches keys from there.
#[derive(Debug)]
pub(super) struct Fetcher {
    source: Source,
    client: HttpClient,
    /// Where the discovery document says that they are, as long as they are there.
    discovered: Mutex<Option<Discovered>>,
}

impl Fetcher {
    pub(super) const fn new(source: Source, client: HttpClient) -> Self {
        Self {
            source,
            client,
            discovered: Mutex::new(None),
        }
    }

    /// The keys, and for how long the provider says that they are fresh.
    pub(super) async fn fetch(
        &self,
        now: Duration,
    ) -> Result<(KeySet, Option<Duration>), FetchError> {
        let issuer = match &self.source {
            Source::Url(url) => return self.keys_at(url).await,
            Source::Discovery { issuer } => issuer,
        };
        let is_recent = |found: &Discovered| now.saturating_sub(found.since) < REDISCOVERY;
        let known = self.lock().clone().filter(is_recent);
        let found = match known {
            Some(found) => found,
            None => Discovered {
                url: self.where_keys_are(issuer).await?,
                since: now,
            },
        };
        let fetched = self.keys_at(&found.url).await;
        // Where they are not any more, the document may say where they went.
        *self.lock() = fetched.is_ok().then_some(found);
        fetched
    }

    async fn where_keys_are(&self, issuer: &str) -> Result<String, FetchError> {
        let (metadata, _) = discover(&self.client, issuer).await?;
        let url = metadata.text("jwks_uri");
        Ok(url.ok_or(MetadataError::Missing("jwks_uri"))?)
    }

    async fn keys_at(&self, url: &str) -> Result<(KeySet, Option<Duration>), FetchError> {
        let response = get(&self.client, url).await?;
        let set = KeySet::from_published_json(text(response.body())?)?;
        Ok((set, lifetime(response.headers())))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Discovered>> {
        lock(&self.discovered)
    }
}

/// The discovery document of this issuer, and for how long it says that it is fresh (OpenID
/// Connect Discovery 1.0 section 4).
pub(in crate::authn) async fn discover(
    client: &HttpClient,
    issuer: &str,
) -> Result<(ProviderMetadata, Option<Duration>), FetchError> {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let response = get(client, &format!("{base}/.well-known/openid-configuration")).await?;
    let metadata = ProviderMetadata::parse(text(response.body())?, issuer)?;
    Ok((metadata, lifetime(response.headers())))
}

async fn get(client: &HttpClient, url: &str) -> Result<Response<Bytes>, FetchError> {
    let request = Request::get(url).header(header::ACCEPT, ACCEPT);
    let request = request.body(Bytes::new());
    let request = request.map_err(|_| ClientError::from(ClientErrorKind::InvalidUrl))?;
    let origin = request.uri().authority().map(ToString::to_string);
    let response = client.send(request).await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status {
            origin: origin.unwrap_or_default(),
            status: response.status().as_u16(),
        });
    }
    Ok(response)
}

fn text(body: &Bytes) -> Result<&str, FetchError> {
    str::from_utf8(body).map_err(|_| FetchError::NotText)
}
