//! What a signature covers unless somebody says otherwise.

use super::digest::CONTENT_DIGEST;
use super::fields::{Draft, List, SIGNATURE};
use super::message::Head;
use super::{Component, Fault, Message};
use http::header::CONTENT_TYPE;
use std::sync::{Arc, OnceLock};

/// The lists that there are. Each is made once.
static LISTS: [OnceLock<Arc<List>>; 16] = [const { OnceLock::new() }; 16];

/// The usual list for a message.
pub(super) fn list(message: &Message<'_>) -> Result<&'static List, Fault> {
    let shape = Shape::of(message);
    let place = LISTS.get(shape.number());
    let place = place.ok_or_else(|| Fault::Internal("there is no such list".into()))?;
    match place.get() {
        Some(list) => Ok(list),
        None => {
            let list = shape.list()?;
            Ok(place.get_or_init(|| list))
        }
    }
}

/// What decides the list.
struct Shape {
    kind: Kind,
    has_digest: bool,
    has_type: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Request,
    Response,
    /// To a request.
    Bound,
    /// To a request that is signed.
    BoundToSigned,
}

impl Shape {
    fn of(message: &Message<'_>) -> Self {
        Self {
            kind: match &message.head {
                Head::Request(_) => Kind::Request,
                Head::Response { request: None, .. } => Kind::Response,
                Head::Response {
                    request: Some(request),
                    ..
                } => match request.headers.contains_key(SIGNATURE) {
                    true => Kind::BoundToSigned,
                    false => Kind::Bound,
                },
            },
            has_digest: message.headers.contains_key(CONTENT_DIGEST),
            has_type: message.headers.contains_key(CONTENT_TYPE),
        }
    }

    /// Its place among the lists.
    const fn number(&self) -> usize {
        self.kind as usize * 4 + self.has_digest as usize * 2 + self.has_type as usize
    }

    fn list(&self) -> Result<Arc<List>, Fault> {
        let mut list = Draft::default();
        if self.kind == Kind::Request {
            list.push(&Component::method());
            list.push(&Component::target_uri());
        } else {
            list.push(&Component::status());
        }
        if self.has_digest {
            list.push(&Component::header(CONTENT_DIGEST));
        }
        if self.has_type {
            list.push(&Component::header(CONTENT_TYPE));
        }
        if matches!(self.kind, Kind::Bound | Kind::BoundToSigned) {
            list.push(&Component::method().of_request()?);
            list.push(&Component::target_uri().of_request()?);
        }
        if self.kind == Kind::BoundToSigned {
            list.push(&Component::header(SIGNATURE).of_request()?);
        }
        Ok(list.close())
    }
}
