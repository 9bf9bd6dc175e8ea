use super::presented::{self, GITHUB, ID, SIGNATURES, SLACK, SLACK_TIME, STRIPE, TIME};
use super::secret::Kind;
use super::verify::mac;
use super::{WebhookScheme, WebhookSecret};
use crate::clock::Clock;
use crate::random::Random;
use crate::signing::{ConfigError, Fault, RequestSigner, hex};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, request};
use std::sync::Arc;

/// Signs webhooks of one scheme. In a [`SignLayer`](crate::signing::SignLayer) it signs all that
/// a tower client sends.
#[derive(Clone, Debug)]
pub struct WebhookSigner {
    scheme: WebhookScheme,
    secrets: Arc<[WebhookSecret]>,
    clock: Clock,
    random: Random,
}

impl WebhookSigner {
    /// Signs with each of these secrets: with two, while one takes the place of the other. Of
    /// GitHub and Slack, whose headers hold one signature, the first counts.
    ///
    /// # Errors
    /// When there is no secret, they are of several schemes, or one can only verify.
    pub fn new(secrets: impl IntoIterator<Item = WebhookSecret>) -> Result<Self, ConfigError> {
        let secrets: Arc<[_]> = secrets.into_iter().collect();
        let scheme = secrets.first().ok_or(ConfigError::NoSecret)?.scheme;
        if secrets.iter().any(|secret| secret.scheme != scheme) {
            return Err(ConfigError::Secret("the secrets are of several schemes"));
        }
        if secrets.iter().any(|it| matches!(it.kind, Kind::Public(_))) {
            return Err(ConfigError::Secret("a public key (whpk_) cannot sign"));
        }
        Ok(Self {
            scheme,
            secrets,
            clock: Clock::system(),
            random: Random::secure(),
        })
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The headers of a webhook with this body. The id is that of the event, the same when it is
    /// sent again; only Standard Webhooks send it.
    ///
    /// # Errors
    /// When the id is not visible ASCII without dots, or the random generator fails.
    pub fn sign(&self, id: &str, body: &[u8]) -> Result<HeaderMap, Fault> {
        if !presented::is_id(id) {
            return Err(Fault::Malformed("webhook-id"));
        }
        let time = self.clock.now().unix_seconds().to_string();
        let mut headers = HeaderMap::new();
        match self.scheme {
            WebhookScheme::StandardWebhooks => {
                let prefix = format!("{id}.{time}.");
                put(&mut headers, SIGNATURES, &self.all(" ", &prefix, body)?)?;
                put(&mut headers, ID, id)?;
                put(&mut headers, TIME, &time)?;
            }
            WebhookScheme::Stripe => {
                let all = self.all(",", &format!("{time}."), body)?;
                put(&mut headers, STRIPE, &format!("t={time},{all}"))?;
            }
            WebhookScheme::GitHub => {
                put(&mut headers, GITHUB, &self.first("", body)?)?;
            }
            WebhookScheme::Slack => {
                put(
                    &mut headers,
                    SLACK,
                    &self.first(&format!("v0:{time}:"), body)?,
                )?;
                put(&mut headers, SLACK_TIME, &time)?;
            }
        }
        Ok(headers)
    }

    fn all(&self, between: &str, prefix: &str, body: &[u8]) -> Result<String, Fault> {
        let signatures = self.secrets.iter().map(|secret| secret.sign(prefix, body));
        let signatures: Result<Vec<_>, _> = signatures.collect();
        Ok(signatures?.join(between))
    }

    fn first(&self, prefix: &str, body: &[u8]) -> Result<String, Fault> {
        let secret = self.secrets.first().ok_or(Fault::UnknownKey)?;
        secret.sign(prefix, body)
    }
}

impl WebhookSecret {
    fn sign(&self, prefix: &str, body: &[u8]) -> Result<String, Fault> {
        match (&self.kind, self.scheme) {
            (Kind::Hmac(key), WebhookScheme::StandardWebhooks) => {
                Ok(format!("v1,{}", STANDARD.encode(mac(key, prefix, body))))
            }
            (Kind::Hmac(key), scheme) => {
                let version = match scheme {
                    WebhookScheme::GitHub => "sha256",
                    WebhookScheme::Slack => "v0",
                    _ => "v1",
                };
                let digits = hex::text(mac(key, prefix, body).as_ref());
                Ok(format!("{version}={digits}"))
            }
            (Kind::Private(key, _), _) => {
                let signature = key.sign(&[prefix.as_bytes(), body].concat());
                let signature = signature.map_err(|it| Fault::Internal(it.to_string().into()))?;
                Ok(format!("v1a,{}", STANDARD.encode(signature)))
            }
            (Kind::Public(_), _) => Err(Fault::UnknownKey),
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Fault> {
    let value = HeaderValue::from_str(value).map_err(|_| Fault::Malformed("a header"))?;
    headers.insert(name, value);
    Ok(())
}

/// Under a random id, each time.
impl RequestSigner for WebhookSigner {
    fn sign_parts(&self, request: &mut request::Parts, body: &[u8]) -> Result<(), Fault> {
        let id = format!("msg_{}", URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()));
        request.headers.extend(self.sign(&id, body)?);
        Ok(())
    }
}
