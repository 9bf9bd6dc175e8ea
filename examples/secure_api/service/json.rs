//! JSON bodies, checked before a handler sees them. Whatever is wrong with one is a problem
//! document with the right status: 415 for another type, 413 for too much, 408 for too slow,
//! 400 for what is not JSON, 422 with an entry for each field that is wrong.

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, Request};
use http::header::CONTENT_TYPE;
use portcullis::guard::{FieldError, Rejection, RejectionKind};
use portcullis::input::json::JsonLimits;
use portcullis::input::text::{TextError, TextRules};
use portcullis::secret::SecretString;
use serde_json::{Map, Value};
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;

/// Far more than any form of this service needs.
pub(crate) const MAX_BYTES: usize = 16 * 1024;
/// How long a client may take to send a body.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A form that can be read from a JSON object.
pub(crate) trait Form: Sized {
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// A JSON body that holds this form.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: Form> FromRequest<S> for Json<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Rejection> {
        if !is_json(&request) {
            return Err(Rejection::new(RejectionKind::UnsupportedMediaType));
        }
        let bytes = timeout(BODY_TIMEOUT, read(request.into_body()))
            .await
            .map_err(|_| Rejection::new(RejectionKind::Timeout))??;
        let malformed = || Rejection::new(RejectionKind::Malformed).with_code("malformed_json");
        // Of two fields of one name, a firewall in front may have seen the other.
        JsonLimits::new()
            .max_bytes(MAX_BYTES)
            .check(&bytes)
            .map_err(|error| malformed().with_reason(error.to_string()))?;
        let value = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
        let Value::Object(object) = value else {
            return Err(malformed().with_code("not_an_object"));
        };
        let mut fields = Fields {
            object,
            errors: Vec::new(),
        };
        match T::read(&mut fields) {
            Some(form) if fields.errors.is_empty() => Ok(Self(form)),
            _ => Err(Rejection::invalid(fields.errors)),
        }
    }
}

async fn read(body: Body) -> Result<Bytes, Rejection> {
    // What is announced as too large is not waited for.
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return Err(Rejection::new(RejectionKind::PayloadTooLarge));
    }
    to_bytes(body, MAX_BYTES).await.map_err(|error| {
        if is_too_large(&error) {
            Rejection::new(RejectionKind::PayloadTooLarge)
        } else {
            Rejection::new(RejectionKind::Malformed).with_code("broken_body")
        }
    })
}

fn is_json(request: &Request) -> bool {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An id in the path. What is not UTF-8 is no id of ours.
pub(crate) fn from_path(id: Result<Path<String>, PathRejection>) -> Result<String, Rejection> {
    let Path(id) = id.map_err(|_| Rejection::new(RejectionKind::NotFound))?;
    Ok(id)
}

/// The fields of a body, and what is wrong with those read so far. Not to be shown: one may be
/// a password.
pub(crate) struct Fields {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// A text of `1..=longest` bytes on one line, without characters that nobody sees; noted as
    /// wrong where it is not.
    pub(crate) fn text(&mut self, name: &'static str, longest: usize) -> Option<String> {
        let text = self.string(name)?;
        match TextRules::line().max_bytes(longest).clean(&text) {
            Ok(clean) if clean.is_empty() => self.wrong(name, "required", "must not be empty"),
            Ok(clean) => return Some(clean.into_owned()),
            Err(TextError::TooManyBytes(_)) => self.wrong(name, "too_long", "is too long"),
            Err(_) => self.wrong(
                name,
                "control_character",
                "must be one line, without characters that nobody sees",
            ),
        }
        None
    }

    /// As [`text`](Self::text), of several lines.
    pub(crate) fn lines(&mut self, name: &'static str, longest: usize) -> Option<String> {
        let text = self.string(name)?;
        let is_strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.len() > longest {
            self.wrong(name, "too_long", "is too long");
        } else if text.chars().any(is_strange) {
            self.wrong(
                name,
                "control_character",
                "must not hold control characters",
            );
        } else {
            return Some(text);
        }
        None
    }

    /// A secret, of any content: that is judged where it is used.
    pub(crate) fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        self.string(name).map(SecretString::from)
    }

    /// All fields, for a form that reads them in its own way.
    pub(crate) fn take_all(&mut self) -> Value {
        Value::Object(std::mem::take(&mut self.object))
    }

    /// A list of at most `most` texts; an empty one where there is none.
    pub(crate) fn texts(&mut self, name: &'static str, most: usize) -> Option<Vec<String>> {
        let list = match self.object.remove(name) {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.wrong(name, "not_a_list", "must be a list of strings");
                return None;
            }
        };
        if list.len() > most {
            self.wrong(name, "too_many", "holds too many entries");
            return None;
        }
        let texts = list.into_iter().map(|entry| match entry {
            Value::String(text) => Some(text),
            _ => None,
        });
        let texts: Option<Vec<_>> = texts.collect();
        if texts.is_none() {
            self.wrong(name, "not_a_list", "must be a list of strings");
        }
        texts
    }

    /// A text as [`text`](Self::text) takes it, which may be left out.
    pub(crate) fn optional_text(
        &mut self,
        name: &'static str,
        longest: usize,
    ) -> Option<Option<String>> {
        match self.object.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(_) => self.text(name, longest).map(Some),
        }
    }

    /// A whole number, which may be left out.
    pub(crate) fn optional_number(&mut self, name: &'static str) -> Option<Option<u64>> {
        match self.object.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) if value.is_u64() => Some(value.as_u64()),
            Some(_) => {
                self.wrong(name, "not_a_number", "must be a whole number, from 0 up");
                None
            }
        }
    }

    fn string(&mut self, name: &'static str) -> Option<String> {
        match self.object.remove(name) {
            Some(Value::String(text)) => return Some(text),
            None | Some(Value::Null) => self.wrong(name, "required", "is required"),
            Some(_) => self.wrong(name, "not_a_string", "must be a string"),
        }
        None
    }

    pub(crate) fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        self.errors.extend(errors);
    }

    pub(crate) fn wrong(&mut self, name: &'static str, code: &'static str, message: &'static str) {
        let error = FieldError::new(format!("/{name}"), code, message);
        self.errors.push(error);
    }
}
