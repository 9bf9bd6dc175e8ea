//! Pushed authorization requests, RFC 9126: the provider gets the request from us, and the
//! browser carries a reference that says nothing and cannot be changed.

use super::token_endpoint::json_of;
use super::{Endpoint, Endpoints, LoginError, LoginErrorKind, Provider};
use crate::crypto::json::{Object, Value};
use http::StatusCode;
use oauth2::url::Url;

/// Far longer than any reference, in bytes.
const MAX_REFERENCE_LEN: usize = 1024;

/// Pushes the request that `asked` would make, and gives where the browser is sent instead.
pub(super) async fn push(
    provider: &Provider,
    endpoints: &Endpoints,
    authorization: &Url,
    asked: &Url,
) -> Result<String, LoginError> {
    let Some(url) = endpoints.pushed_authorization_url() else {
        let reason = "pushed authorization requests";
        return Err(LoginError::with(LoginErrorKind::Unsupported, reason));
    };
    let endpoint = provider.endpoint(url)?;
    // What the endpoint's own URL has in its query is none of the request.
    let own = authorization.query_pairs().count();
    let pairs: Vec<_> = asked.query_pairs().skip(own).collect();
    // The client's id comes with what proves it, unless that is a header (section 2.1).
    let is_in_header = provider.client_authentication().method() == "client_secret_basic";
    let form: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .filter(|(name, _)| is_in_header || *name != "client_id")
        .collect();
    let reference = reference(&endpoint, &form).await?;
    let mut url = authorization.clone();
    url.query_pairs_mut()
        .append_pair("client_id", provider.client_id())
        .append_pair("request_uri", &reference);
    Ok(url.into())
}

/// Section 2.2: what stands for the request from now on.
async fn reference(endpoint: &Endpoint, form: &[(&str, &str)]) -> Result<String, LoginError> {
    let response = endpoint.post(form).await?;
    let json = json_of(&response, StatusCode::CREATED)?;
    let bad = || LoginError::with(LoginErrorKind::BadAnswer, "request_uri");
    let object = Object::parse(json).map_err(|_| bad())?;
    let reference = object.get("request_uri").and_then(Value::as_str);
    let reference = reference.ok_or_else(bad)?;
    let is_visible = reference.bytes().all(|byte| byte.is_ascii_graphic());
    if !(1..=MAX_REFERENCE_LEN).contains(&reference.len()) || !is_visible {
        return Err(bad());
    }
    Ok(reference.into_owned())
}
