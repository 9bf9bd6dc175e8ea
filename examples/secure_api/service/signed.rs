//! What comes signed: webhooks of other services, and orders of programs.

use super::config::Config;
use super::json::MAX_BYTES;
use super::records::new_id;
use super::rights::ORDER_SCOPE;
use super::{State, Stores};
use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, StatusCode, Uri};
use portcullis::authn::api_key::SigningApiKeys;
use portcullis::authz::rbac::Rbac;
use portcullis::limit::ban::BanLayer;
use portcullis::principal::Principal;
use portcullis::signing::api::{ApiSignatureLayer, ApiVerifier};
use portcullis::signing::webhook::{WebhookLayer, WebhookSecret, WebhookVerifier};
use portcullis::signing::{ConfigError, Policy, Verifier, VerifySignatureLayer};
use portcullis::store::Store;
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;
use tower::ServiceExt;

const ORDERS: &str = "/api/orders";

/// A route for each scheme that a secret was configured for. Of others nobody knows what to
/// believe, so there is none.
pub(super) fn webhooks(config: &Config, store: &Store) -> Result<Router<State>, ConfigError> {
    let mut routes = Router::new();
    for (scheme, text) in &config.webhook_secrets {
        let secret = WebhookSecret::new(*scheme, text)?;
        let verifier = WebhookVerifier::new([secret], store.clone())?;
        let received = post(async || Json(json!({"received": true})));
        let layer = WebhookLayer::new(verifier).body_limit(MAX_BYTES);
        routes = routes.route(&format!("/webhooks/{scheme}"), received.layer(layer));
    }
    Ok(routes)
}

/// Orders, signed with the secret of a signing key: by the API scheme, or by RFC 9421. Who
/// signed is known by then, and asked for the permission as anybody is.
pub(super) fn orders(
    keys: SigningApiKeys,
    stores: &Stores,
    rbac: &Rbac,
    banned_users: &BanLayer,
    config: &Config,
) -> Result<Router<State>, Box<dyn Error>> {
    let keys = Arc::new(keys);
    let verifier = ApiVerifier::new(Arc::clone(&keys), stores.store.clone());
    let by_scheme = ApiSignatureLayer::new(verifier).body_limit(MAX_BYTES);
    let origin = config.origin.as_ref();
    let origin = origin.and_then(|uri| Some((uri.scheme_str()?, uri.authority()?.as_str())));
    let policy = Policy::request();
    // A request that was signed for another host, where the same keys are known, is not for us.
    let policy = match origin {
        Some((_, authority)) => policy.for_authority(authority)?,
        None => policy,
    };
    let verifier = Verifier::new(policy, keys, stores.store.clone());
    let by_rfc = VerifySignatureLayer::new(verifier).body_limit(MAX_BYTES);
    let by_rfc = match origin {
        Some((scheme, authority)) => by_rfc.origin(scheme, authority)?,
        None => by_rfc,
    };
    let may_order = rbac.require(ORDER_SCOPE)?;
    let order = || {
        let orders = Router::new().route(ORDERS, post(order).layer(may_order.clone()));
        orders.layer(banned_users.clone())
    };
    let (by_scheme, by_rfc) = (order().layer(by_scheme), order().layer(by_rfc));
    // Whichever is chosen, the request needs a good signature of that way.
    let choose = async move |request: Request<Body>| {
        let has_rfc = request.headers().contains_key("signature-input");
        let way = if has_rfc { by_rfc } else { by_scheme };
        way.oneshot(as_sent(request)).await
    };
    Ok(Router::new().route(ORDERS, post(choose)))
}

/// The request with the whole URI, which a signature may cover: this server speaks plain HTTP,
/// under the name that its clients call it by.
fn as_sent(mut request: Request<Body>) -> Request<Body> {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    if request.uri().scheme().is_none() && host.is_some() {
        let mut parts = request.uri().clone().into_parts();
        (parts.scheme, parts.authority) = (Some(Scheme::HTTP), host);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Takes an order: whose it is, the signature says.
async fn order(principal: Principal) -> (StatusCode, Json<Value>) {
    let id = new_id();
    let answer = json!({"id": id, "owner": principal.id()});
    (StatusCode::CREATED, Json(answer))
}
