use super::form;
use super::report::{malformed, unreadable, validate};
use crate::guard::collect::{DEADLINE, whole};
use crate::guard::{Rejection, RejectionKind, RequestHead};
use crate::input::json::JsonLimits;
use axum_core::body::Body;
use axum_core::extract::{FromRequest, FromRequestParts, Request};
use garde::Validate;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::sync::Arc;

/// A request's content, valid by the rules of its type. See the [module](super).
///
/// The limits of JSON, which bound the size of forms too, are those of a
/// [`JsonLimits`] in the extensions of the request, or the usual ones.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a pattern in the arguments of handlers"
)]
pub struct Valid<E>(pub E);

/// A JSON body, within [`Valid`].
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a pattern in the arguments of handlers"
)]
pub struct Json<T>(pub T);

/// A form, `application/x-www-form-urlencoded`, within [`Valid`].
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a pattern in the arguments of handlers"
)]
pub struct Form<T>(pub T);

/// The query of the URL, within [`Valid`].
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a pattern in the arguments of handlers"
)]
pub struct Query<T>(pub T);

impl<T, S> FromRequest<S> for Valid<Json<T>>
where
    T: DeserializeOwned + Validate,
    T::Context: Default + Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Rejection> {
        let (parts, body) = request.into_parts();
        let is_json = |essence: &str| {
            let subtype = essence.strip_prefix("application/").unwrap_or_default();
            subtype == "json" || subtype.ends_with("+json")
        };
        check_type(&parts, is_json)?;
        let limits = limits(&parts);
        let json = whole(body, limits.bytes(), DEADLINE).await?;
        limits.check(&json)?;
        let value = read_json(&json)?;
        checked(value, &parts).map(|value| Self(Json(value)))
    }
}

impl<T, S> FromRequest<S> for Valid<Form<T>>
where
    T: DeserializeOwned + Validate,
    T::Context: Default + Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Rejection> {
        let (parts, body): (Parts, Body) = request.into_parts();
        check_type(&parts, |essence| {
            essence == "application/x-www-form-urlencoded"
        })?;
        let form = whole(body, limits(&parts).bytes(), DEADLINE).await?;
        checked(form::read(&form)?, &parts).map(|value| Self(Form(value)))
    }
}

impl<T, S> FromRequestParts<S> for Valid<Query<T>>
where
    T: DeserializeOwned + Validate,
    T::Context: Default + Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        let value = form::read(query.as_bytes())?;
        checked(value, parts).map(|value| Self(Query(value)))
    }
}

fn limits(parts: &Parts) -> JsonLimits {
    parts.extensions.get().cloned().unwrap_or_default()
}

fn checked<T>(value: T, parts: &Parts) -> Result<T, Rejection>
where
    T: Validate,
    T::Context: Default + Send + Sync + 'static,
{
    match parts.extensions.get::<Arc<T::Context>>() {
        Some(context) => validate(&value, context)?,
        None => validate(&value, &T::Context::default())?,
    }
    Ok(value)
}

fn check_type(parts: &Parts, is_taken: impl Fn(&str) -> bool) -> Result<(), Rejection> {
    let value = RequestHead::of_parts(parts).single_header(&CONTENT_TYPE);
    let essence = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    if is_taken(&essence.trim().to_ascii_lowercase()) {
        return Ok(());
    }
    let reason = "the content type is missing, there twice, or not the one that is read here";
    Err(Rejection::new(RejectionKind::UnsupportedMediaType).with_reason(reason))
}

fn read_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Rejection> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.inner().classify() {
        Category::Data => unreadable(error.path(), &error.inner().to_string()),
        Category::Io | Category::Syntax | Category::Eof => malformed("json_malformed"),
    })
}
