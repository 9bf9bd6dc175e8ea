//! Webhooks, verified and sent: against events that nobody sent, that were changed, or that come
//! again.
//!
//! | scheme | signed | fresh | headers |
//! |---|---|---|---|
//! | [Standard Webhooks](https://www.standardwebhooks.com) `v1` (HMAC-SHA-256), `v1a` (Ed25519) | `id.time.body` | yes | `webhook-id`, `webhook-timestamp`, `webhook-signature` |
//! | Stripe `v1` | `time.body` | yes | `Stripe-Signature` |
//! | GitHub | `body` | no | `X-Hub-Signature-256` |
//! | Slack `v0` | `v0:time:body` | yes | `X-Slack-Request-Timestamp`, `X-Slack-Signature` |
//!
//! 1. The body is verified as it came, before anybody parses it.
//! 2. The time may be 300 seconds off, in both directions. GitHub sends none: what was sent once
//!    is good for as long as the secret is, so change the secret now and then, and look at what
//!    the event says of itself. It signs no header either: a copy may call itself another event
//!    (`X-GitHub-Event`) or another delivery (`X-GitHub-Delivery`).
//! 3. The same event does not pass twice within that time, at an endpoint of one
//!    [name](WebhookVerifier::named) and one secret. An event that is sent again because it was
//!    not answered has another time, and passes: look at [`VerifiedWebhook::id`] to do things
//!    once.
//! 4. Several secrets are good at once, while one takes the place of another.
//! 5. Signatures of other versions, and of weaker hashes, do not count.
//! 6. A header that has to come once and comes twice is refused; so is an id with a dot, which
//!    could be moved into the time.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use portcullis::secret::SecretString;
//! use portcullis::signing::webhook::{
//!     WebhookLayer, WebhookScheme, WebhookSecret, WebhookSigner, WebhookVerifier,
//! };
//! use portcullis::store::Store;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
//! let secret = WebhookSecret::new(WebhookScheme::StandardWebhooks, &text)?;
//! let verifier = WebhookVerifier::new([secret.clone()], Store::memory())?;
//! let service = WebhookLayer::new(verifier).layer(service_fn(async |_| {
//!     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("thanks"))))
//! }));
//!
//! // Who sends it:
//! let event = Bytes::from(r#"{"type": "invoice.paid"}"#);
//! let mut request = Request::post("/webhooks").body(Full::new(event.clone()))?;
//! let headers = WebhookSigner::new([secret])?.sign("msg_1", &event)?;
//! request.headers_mut().extend(headers);
//!
//! let mut forged = request.clone();
//! *forged.body_mut() = Full::from(r#"{"type": "invoice.void"}"#);
//! assert_eq!(service.clone().oneshot(forged).await?.status(), 401);
//! assert_eq!(service.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod layer;
mod presented;
mod scheme;
mod secret;
mod sign;
mod verify;

pub use layer::{WebhookLayer, Webhooks};
pub use scheme::WebhookScheme;
pub use secret::WebhookSecret;
pub use sign::WebhookSigner;
pub use verify::{VerifiedWebhook, WebhookVerifier};
