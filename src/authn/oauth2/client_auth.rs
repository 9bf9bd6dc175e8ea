use crate::authn::jwt::{ConfigError, IssueError, Issuer};
use crate::clock::Clock;
use crate::crypto::keys::{Algorithm, LiveSigningKey};
use crate::random::Random;
use crate::secret::SecretString;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use std::fmt;
use std::time::Duration;
use thiserror::Error;
use url::form_urlencoded::{self, Serializer};
use zeroize::Zeroizing;

/// The longest client id taken, in bytes.
const MAX_CLIENT_ID_LEN: usize = 512;

/// How long an assertion is good for (RFC 7523 section 3 asks for "a narrow window").
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);

/// RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a client shows a provider that it is that client, at the token endpoint and wherever
/// else it is asked (RFC 6749 section 2.3; ASVS 5.0 10.4.10 and 10.4.16).
///
/// ```
/// use portcullis::authn::oauth2::ClientAuthentication;
///
/// let client = ClientAuthentication::secret_basic("invoices", "of the vault")?;
/// assert_eq!(client.method(), "client_secret_basic");
/// assert!(!format!("{client:?}").contains("vault"));
///
/// assert!(ClientAuthentication::secret_basic("invoices", "").is_err());
/// # Ok::<(), portcullis::authn::oauth2::ClientAuthError>(())
/// ```
#[derive(Clone)]
pub struct ClientAuthentication {
    client_id: Box<str>,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    None,
    SecretBasic(SecretString),
    SecretPost(SecretString),
    PrivateKeyJwt(Issuer),
}

/// Why a client cannot show who it is in this way.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientAuthError {
    /// There is no client id, or one that none can be.
    #[error("the client id {0:?} is not 1 to 512 visible ASCII characters or spaces")]
    ClientId(Box<str>),
    /// There is no secret.
    #[error("the client secret is empty; a client without one uses `none`")]
    EmptySecret,
    /// The key is one that the provider would have to know as well.
    #[error("an assertion is signed by a private key; {0} is an algorithm of shared secrets")]
    SymmetricKey(Algorithm),
    /// The assertions cannot be made.
    #[error(transparent)]
    Assertion(#[from] ConfigError),
}

impl ClientAuthentication {
    /// By a secret in the `Authorization` header (`client_secret_basic`, RFC 6749 section
    /// 2.3.1).
    ///
    /// # Errors
    /// When the id is not one, or the secret is empty.
    pub fn secret_basic(
        client_id: impl Into<Box<str>>,
        secret: impl Into<SecretString>,
    ) -> Result<Self, ClientAuthError> {
        Self::of(client_id, Proof::SecretBasic(a_secret(secret)?))
    }

    /// By a secret in the body (`client_secret_post`, RFC 6749 section 2.3.1), for providers
    /// that do not take it in the header.
    ///
    /// # Errors
    /// As [`secret_basic`](Self::secret_basic).
    pub fn secret_post(
        client_id: impl Into<Box<str>>,
        secret: impl Into<SecretString>,
    ) -> Result<Self, ClientAuthError> {
        Self::of(client_id, Proof::SecretPost(a_secret(secret)?))
    }

    /// By an assertion that a private key signs (`private_key_jwt`, RFC 7523): no secret leaves
    /// this machine, and what is seen of one call is of no use for another. Each assertion has a
    /// `jti` of its own and is good for 60 seconds.
    ///
    /// The audience is the issuer's name, which an assertion names alone: so none that is made
    /// for one provider is good at another. Give the URL of the token endpoint only where the
    /// provider takes nothing else.
    ///
    /// # Errors
    /// When the id is not one, the audience is empty, or the key is a shared secret.
    pub fn private_key_jwt(
        client_id: impl Into<Box<str>>,
        key: impl Into<LiveSigningKey>,
        audience: impl Into<Box<str>>,
    ) -> Result<Self, ClientAuthError> {
        let (client_id, key) = (client_id.into(), key.into());
        let algorithm = key.current().algorithm();
        if algorithm.is_symmetric() {
            return Err(ClientAuthError::SymmetricKey(algorithm));
        }
        let issuer = Issuer::new(key, client_id.clone(), audience)?;
        let issuer = issuer.lifetime(ASSERTION_LIFETIME)?;
        Self::of(client_id, Proof::PrivateKeyJwt(issuer))
    }

    /// By nothing but its id: a public client, or one whose TLS connection shows its certificate
    /// (`tls_client_auth`, RFC 8705 section 2), which is the transport's affair.
    ///
    /// # Errors
    /// When the id is not one.
    pub fn none(client_id: impl Into<Box<str>>) -> Result<Self, ClientAuthError> {
        Self::of(client_id, Proof::None)
    }

    fn of(client_id: impl Into<Box<str>>, proof: Proof) -> Result<Self, ClientAuthError> {
        let client_id = client_id.into();
        let is_printable = client_id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID_LEN || !is_printable {
            return Err(ClientAuthError::ClientId(client_id));
        }
        Ok(Self { client_id, proof })
    }

    /// Sets the clock of assertions.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.with_issuer(|issuer| issuer.clock(clock))
    }

    /// Sets where the `jti` of assertions comes from.
    #[must_use]
    pub fn random(self, random: Random) -> Self {
        self.with_issuer(|issuer| issuer.random(random))
    }

    fn with_issuer(mut self, change: impl FnOnce(Issuer) -> Issuer) -> Self {
        if let Proof::PrivateKeyJwt(issuer) = self.proof {
            self.proof = Proof::PrivateKeyJwt(change(issuer));
        }
        self
    }

    /// The client's id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The registered name of the method, as in `token_endpoint_auth_methods_supported`.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self.proof {
            Proof::None => "none",
            Proof::SecretBasic(_) => "client_secret_basic",
            Proof::SecretPost(_) => "client_secret_post",
            Proof::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// Whether the provider learns more than an id that everybody may know.
    #[must_use]
    pub const fn is_confidential(&self) -> bool {
        !matches!(self.proof, Proof::None)
    }

    /// Adds to a request what shows who the client is.
    pub(super) fn apply(
        &self,
        form: &mut Serializer<'_, String>,
        headers: &mut HeaderMap,
    ) -> Result<(), IssueError> {
        match &self.proof {
            Proof::SecretBasic(secret) => {
                let value = basic(&self.client_id, secret);
                headers.extend(value.map(|value| (header::AUTHORIZATION, value)));
                return Ok(());
            }
            Proof::None => {}
            Proof::SecretPost(secret) => {
                form.append_pair("client_secret", secret.expose());
            }
            Proof::PrivateKeyJwt(issuer) => {
                let assertion = issuer.token(&*self.client_id).sign()?;
                form.append_pair("client_assertion_type", JWT_BEARER);
                form.append_pair("client_assertion", &assertion);
            }
        }
        form.append_pair("client_id", &self.client_id);
        Ok(())
    }
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuthentication")
            .field("client_id", &self.client_id)
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

fn a_secret(secret: impl Into<SecretString>) -> Result<SecretString, ClientAuthError> {
    let secret = secret.into();
    if secret.expose().is_empty() {
        return Err(ClientAuthError::EmptySecret);
    }
    Ok(secret)
}

/// Both are form-encoded first (RFC 6749 section 2.3.1), so that a colon in the id ends nothing.
fn basic(client_id: &str, secret: &SecretString) -> Option<HeaderValue> {
    let mut pair = Zeroizing::new(String::new());
    pair.extend(form_urlencoded::byte_serialize(client_id.as_bytes()));
    pair.push(':');
    pair.extend(form_urlencoded::byte_serialize(secret.expose().as_bytes()));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::jwt::{VerifiedToken, Verifier};
    use crate::clock::FakeClock;
    use crate::crypto::keys::SigningKey;
    use std::collections::HashMap;

    type Sent = (HashMap<String, String>, Option<String>);

    fn sent(client: &ClientAuthentication) -> Sent {
        let mut form = Serializer::new(String::new());
        let mut headers = HeaderMap::new();
        client.apply(&mut form, &mut headers).unwrap();
        let form = form.finish();
        let form = form_urlencoded::parse(form.as_bytes())
            .into_owned()
            .collect();
        let header = headers.get(header::AUTHORIZATION);
        if let Some(header) = header {
            assert!(header.is_sensitive());
        }
        (form, header.map(|it| it.to_str().unwrap().to_owned()))
    }

    fn form(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn each_way_sends_what_it_should() {
        let basic = |pair: &str| Some(format!("Basic {}", STANDARD.encode(pair)));
        for (name, client, expected) in [
            (
                "the example of RFC 6749 section 2.3.1",
                ClientAuthentication::secret_basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
                (
                    form(&[]),
                    Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3".to_owned()),
                ),
            ),
            (
                "signs that would end the id",
                ClientAuthentication::secret_basic("a:b c", "p%w+&=\u{fc}"),
                (form(&[]), basic("a%3Ab+c:p%25w%2B%26%3D%C3%BC")),
            ),
            (
                "in the body",
                ClientAuthentication::secret_post("app", "s&client_id=other"),
                (
                    form(&[("client_id", "app"), ("client_secret", "s&client_id=other")]),
                    None,
                ),
            ),
            (
                "nothing",
                ClientAuthentication::none("app"),
                (form(&[("client_id", "app")]), None),
            ),
        ] {
            assert_eq!(sent(&client.unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn an_assertion_is_for_one_provider_once_and_for_a_minute() {
        let time = FakeClock::at_unix_seconds(1_800_000_000);
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let audience = "https://id.example.com";
        let public = crate::crypto::keys::KeySet::from(key.verifying_key());
        let verifier = Verifier::builder("app", audience, Algorithm::Es256, public)
            .clock(time.clock())
            .leeway(Duration::ZERO)
            .build()
            .unwrap();
        let client = ClientAuthentication::private_key_jwt("app", key, audience).unwrap();
        let client = client
            .clock(time.clock())
            .random(Random::insecure_seeded(7));
        let (first, header) = sent(&client);
        let (second, _) = sent(&client);
        assert_eq!(header, None);
        assert_eq!(first["client_id"], "app");
        assert_eq!(first["client_assertion_type"], JWT_BEARER);
        let read = |form: &HashMap<String, String>| {
            verifier
                .verify(&form["client_assertion"])
                .map(VerifiedToken::into_claims)
        };
        let claims = read(&first).unwrap();
        assert_eq!(claims.subject(), Some("app"));
        assert_eq!(claims.audiences().collect::<Vec<_>>(), [audience]);
        assert_ne!(claims.id(), read(&second).unwrap().id());
        time.advance(Duration::from_secs(60));
        assert!(read(&first).is_err(), "a minute later");
    }

    #[test]
    fn what_cannot_authenticate_is_told_at_the_start() {
        let shared = SigningKey::generate(Algorithm::Hs256).unwrap();
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let long = "a".repeat(MAX_CLIENT_ID_LEN + 1);
        for (name, client, expected) in [
            ("no id", ClientAuthentication::none(""), "the client id"),
            (
                "a line",
                ClientAuthentication::none("a\nb"),
                "the client id",
            ),
            (
                "too long",
                ClientAuthentication::none(long),
                "the client id",
            ),
            (
                "no secret",
                ClientAuthentication::secret_post("app", ""),
                "the client secret",
            ),
            (
                "a shared secret",
                ClientAuthentication::private_key_jwt("app", shared, "https://id.example.com"),
                "an assertion is signed by a private key",
            ),
            (
                "nobody to hear it",
                ClientAuthentication::private_key_jwt("app", key, ""),
                "the audience",
            ),
        ] {
            let error = client.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{name}: {error}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let client = ClientAuthentication::secret_basic("app", "canary").unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }
}
