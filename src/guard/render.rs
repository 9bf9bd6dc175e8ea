//! How a refusal looks: one parameter for all controls.
//!
//! [`Standard`], the default, answers RFC 9457 `application/problem+json`, and the clients of a
//! gRPC service ([`GrpcLayer`]) in the form of their protocol. Any function of the right shape is a [`Render`] too:
//!
//! ```
//! use bytes::Bytes;
//! use http::Response;
//! use portcullis::guard::{Guard, Rejection, RequestHead};
//! # use portcullis::guard::Check;
//! # struct Strict;
//! # impl Check for Strict {
//! #     fn check<B>(&self, _: &mut http::Request<B>) -> Result<(), Rejection> { Ok(()) }
//! # }
//!
//! let layer = Strict.rendered_by(|rejection: &Rejection, _: &RequestHead<'_>| {
//!     let mut response = Response::new(Bytes::from(format!("sorry: {}", rejection.code())));
//!     *response.status_mut() = rejection.status();
//!     response.headers_mut().extend(rejection.headers().clone());
//!     response
//! });
//! ```

use super::{Body, Check, FieldError, Rejection, RequestHead, impl_layer};
use crate::event::RequestId;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Serialize;

/// Makes the response to a refused request.
///
/// A renderer of your own must carry over [`Rejection::headers`], which hold the challenges
/// and `Retry-After`, and must not show [`Rejection::reason`].
pub trait Render: Send + Sync + 'static {
    /// The response to `request`, which was refused for `rejection`.
    fn render(&self, rejection: &Rejection, request: &RequestHead<'_>) -> Response<Bytes>;
}

impl<F> Render for F
where
    F: Fn(&Rejection, &RequestHead<'_>) -> Response<Bytes> + Send + Sync + 'static,
{
    fn render(&self, rejection: &Rejection, request: &RequestHead<'_>) -> Response<Bytes> {
        self(rejection, request)
    }
}

/// The response to a refused request, with the rejection in its extensions: for all who refuse.
pub(crate) fn refuse<R>(
    render: &dyn Render,
    rejection: Rejection,
    request: &RequestHead<'_>,
) -> Response<Body<R>> {
    let mut response = render.render(&rejection, request).map(Body::rejection);
    response.extensions_mut().insert(rejection);
    response
}

/// [`Grpc`] for the calls of a service that speaks gRPC ([`GrpcLayer`]), [`Problem`] for all
/// other requests.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Standard;

impl Render for Standard {
    fn render(&self, rejection: &Rejection, request: &RequestHead<'_>) -> Response<Bytes> {
        if request.extensions().get::<SpeaksGrpc>().is_some() && is_grpc(request) {
            Grpc.render(rejection, request)
        } else {
            Problem.render(rejection, request)
        }
    }
}

/// Says that the service behind it speaks gRPC: refusals of calls then look as [`Grpc`] makes
/// them. Belongs outside of all layers that refuse.
///
/// It has to be said, for a refused call has HTTP status 200. On any other service, a client
/// that only named the content type of gRPC would choose that its refusals look like successes
/// to load balancers, logs and all that goes by the status.
///
/// ```
/// use http::Request;
/// use portcullis::guard::{Check, GrpcLayer, GuardLayer, Rejection, RejectionKind};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// struct Closed;
/// impl Check for Closed {
///     fn check<B>(&self, _: &mut Request<B>) -> Result<(), Rejection> {
///         Err(Rejection::new(RejectionKind::Forbidden))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let call = || Request::post("/shop.Basket/Add").header("content-type", "application/grpc");
/// let service = service_fn(async |_: Request<()>| Ok::<_, ()>(http::Response::new(())));
///
/// let http = ServiceBuilder::new().layer(GuardLayer::new(Closed)).service(service.clone());
/// let refused = http.oneshot(call().body(()).unwrap()).await.unwrap();
/// assert_eq!(refused.status(), 403);
///
/// let grpc = ServiceBuilder::new().layer(GrpcLayer::new()).layer(GuardLayer::new(Closed));
/// let refused = grpc.service(service).oneshot(call().body(()).unwrap()).await.unwrap();
/// assert_eq!((refused.status().as_u16(), &refused.headers()["grpc-status"]), (200, &"7".parse().unwrap()));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct GrpcLayer;

impl GrpcLayer {
    /// A layer around a service that speaks gRPC.
    pub const fn new() -> Self {
        Self
    }
}

/// In the extensions of requests to a service that speaks gRPC.
#[derive(Clone, Copy, Debug)]
struct SpeaksGrpc;

impl Check for GrpcLayer {
    fn check<B>(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        request.extensions_mut().insert(SpeaksGrpc);
        Ok(())
    }
}

impl_layer!(GrpcLayer);

/// Every call is a POST. To anything else, a refusal with HTTP status 200 would not look like
/// one.
fn is_grpc(request: &RequestHead<'_>) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let content_type = request.headers().get(header::CONTENT_TYPE);
    *request.method() == Method::POST
        && content_type
            .and_then(|value| value.as_bytes().strip_prefix(GRPC))
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Problem details for HTTP APIs, RFC 9457.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Problem;

impl Render for Problem {
    fn render(&self, rejection: &Rejection, request: &RequestHead<'_>) -> Response<Bytes> {
        problem(rejection, request.extensions().get())
    }
}

#[derive(Serialize)]
struct ProblemDocument<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a RequestId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: &'a serde_json::Map<String, serde_json::Value>,
}

pub(super) fn problem(rejection: &Rejection, request_id: Option<&RequestId>) -> Response<Bytes> {
    let document = ProblemDocument {
        r#type: rejection.problem_type().unwrap_or("about:blank"),
        title: rejection.kind().title(),
        status: rejection.status().as_u16(),
        code: rejection.code(),
        request_id,
        errors: rejection.errors(),
        members: rejection.members(),
    };
    // JSON already, strings and numbers: there is nothing in it that could fail to serialize.
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut response = answer(rejection, Bytes::from(body), "application/problem+json");
    *response.status_mut() = rejection.status();
    response
}

/// In the extensions of a problem document that was made where the request's id was not at
/// hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LacksRequestId;

/// Adds the request's id to a problem document that lacks it.
pub(crate) fn add_request_id<R>(response: &mut Response<Body<R>>, id: &RequestId) {
    if response
        .extensions_mut()
        .remove::<LacksRequestId>()
        .is_none()
    {
        return;
    }
    if let Some(rejection) = response.extensions().get::<Rejection>() {
        let document = problem(rejection, Some(id)).into_body();
        if let header::Entry::Occupied(mut length) = response.headers_mut().entry(CONTENT_LENGTH) {
            length.insert(document.len().into());
        }
        *response.body_mut() = Body::rejection(document);
    }
}

/// The status of the gRPC protocol, in a response that has no body ("Trailers-Only"): HTTP 200
/// with `grpc-status` and `grpc-message` among the headers.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Grpc;

impl Render for Grpc {
    fn render(&self, rejection: &Rejection, _request: &RequestHead<'_>) -> Response<Bytes> {
        let mut response = answer(rejection, Bytes::new(), "application/grpc");
        *response.status_mut() = StatusCode::OK;
        let status = HeaderValue::from(u16::from(rejection.kind().grpc_status()));
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("grpc-status"), status);
        // Codes are `snake_case`; one that is not would need percent-encoding, so it stays out.
        if let Ok(message) = HeaderValue::from_str(rejection.code()) {
            headers.insert(HeaderName::from_static("grpc-message"), message);
        }
        response
    }
}

fn answer(rejection: &Rejection, body: Bytes, content_type: &'static str) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.headers_mut() = rejection.headers().clone();
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    // A refusal is about this caller and this moment.
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

#[cfg(test)]
mod tests {
    use super::super::RejectionKind;
    use super::*;
    use http::Request;

    fn request(method: Method, content_type: &str) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        let value = HeaderValue::from_str(content_type).unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, value);
        let id = RequestId::parse("r1").unwrap();
        request.extensions_mut().insert(id);
        request
    }

    fn refused(request: &Request<()>) -> Response<Bytes> {
        let rejection = Rejection::new(RejectionKind::Hostile).with_reason("rule 942100");
        Standard.render(&rejection, &RequestHead::of(request))
    }

    /// How a refusal by a service that speaks gRPC looks.
    fn refused_call(method: Method, content_type: &str) -> Response<Bytes> {
        let mut request = request(method, content_type);
        Check::check(&GrpcLayer::new(), &mut request).unwrap();
        refused(&request)
    }

    #[test]
    fn a_problem_document_says_no_more_than_it_should() {
        let response = refused(&request(Method::POST, "application/json"));
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let json: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "The request was blocked", "status": 403,
            "code": "request_blocked", "request_id": "r1",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_problem_type_may_add_members_but_replace_none() {
        let rejection = Rejection::new(RejectionKind::RateLimited)
            .with_member("violated-policies", vec!["daily"])
            .with_member("status", 200);
        let response = problem(&rejection, None);
        let json: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Too many requests", "status": 429,
            "code": "rate_limited", "violated-policies": ["daily"],
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn grpc_clients_get_trailers_only() {
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;x=1",
        ] {
            let response = refused_call(Method::POST, content_type);
            assert_eq!(response.status(), 200, "{content_type}");
            assert_eq!(response.headers()["grpc-status"], "7", "{content_type}");
            assert_eq!(response.headers()["grpc-message"], "request_blocked");
            assert!(response.body().is_empty());
        }
        let of_the_web = refused_call(Method::POST, "application/grpc-web");
        assert_eq!(of_the_web.status(), 403);
        let not_a_call = refused_call(Method::GET, "application/grpc");
        assert_eq!(not_a_call.status(), 403);
    }

    #[test]
    fn no_client_of_another_service_gets_status_200() {
        for content_type in ["application/grpc", "application/grpc+proto"] {
            let response = refused(&request(Method::POST, content_type));
            assert_eq!(response.status(), 403, "{content_type}");
            let found = &response.headers()[header::CONTENT_TYPE];
            assert_eq!(found, "application/problem+json", "{content_type}");
        }
    }
}
