use super::endpoint_error::{EndpointConfigError, EndpointError, EndpointErrorKind};
use super::{ClientAuthentication, TokenResponse};
use crate::crypto::json::{Object, Value};
use crate::net::client::{ClientError, ClientErrorKind, HttpClient, Target};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// The largest answer taken: more than an access token, a refresh token and an ID token of 16
/// kB each.
const MAX_ANSWER_LEN: usize = 64 * 1024;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An endpoint of a provider that takes forms and answers with JSON, and asks who the client is:
/// the token endpoint (RFC 6749 section 3.2), and those for introspection (RFC 7662), revocation
/// (RFC 7009) and pushed requests (RFC 9126). Cheap to clone.
///
/// Every call is one `POST`, within the deadline of the [`HttpClient`]. It is sent once: a code
/// or a refresh token that is sent twice is taken for a stolen one. Only where no connection
/// could be opened, so that nothing was sent, does the client try again.
///
/// An answer is refused unless it has the status of its kind, is `application/json`, at most 64
/// KiB, and strict JSON without a member that comes twice.
///
/// ```
/// use portcullis::authn::oauth2::{ClientAuthentication, Endpoint, EndpointErrorKind};
/// # use bytes::Bytes;
/// # use http::Response;
/// # use portcullis::net::client::{FakeAnswer, FakeTransport};
/// use portcullis::net::client::HttpClient;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let http = HttpClient::builder().build_over(FakeTransport::answering(|request| {
/// #     let is_known = request.body().windows(4).any(|it| it == b"good");
/// #     let (status, body) = if is_known {
/// #         (200, r#"{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer", "expires_in": 300}"#)
/// #     } else {
/// #         (400, r#"{"error": "invalid_grant", "error_description": "no such code"}"#)
/// #     };
/// #     let answer = Response::builder().status(status).header("content-type", "application/json");
/// #     FakeAnswer::response(answer.body(Bytes::from(body)).unwrap())
/// # }))?;
/// # #[cfg(any())]
/// let http = HttpClient::new()?;
/// let client = ClientAuthentication::secret_basic("invoices", "of the vault")?;
/// let endpoint = Endpoint::new("https://id.example.com/token", http, client)?;
///
/// let grant = |code| [("grant_type", "authorization_code"), ("code", code)];
/// let tokens = endpoint.token(&grant("good")).await?;
/// assert_eq!(tokens.expires_in().unwrap().as_secs(), 300);
///
/// let refused = endpoint.token(&grant("made up")).await.unwrap_err();
/// assert_eq!(refused.kind(), EndpointErrorKind::Refused);
/// assert_eq!(refused.provider_code(), Some("invalid_grant"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Uri,
    origin: Arc<str>,
    client: HttpClient,
    authentication: ClientAuthentication,
}

impl Endpoint {
    /// The endpoint at this URL, called by this client in this name.
    ///
    /// # Errors
    /// When the URL cannot be called.
    pub fn new(
        url: &str,
        client: HttpClient,
        authentication: ClientAuthentication,
    ) -> Result<Self, EndpointConfigError> {
        let wrong = || EndpointConfigError::Url(url.into());
        if url.contains('#') || !client.may_call(url) {
            return Err(wrong());
        }
        let parsed: Uri = url.parse().map_err(|_| wrong())?;
        let target = Target::of(&parsed, true).map_err(|_| wrong())?;
        Ok(Self {
            url: parsed,
            origin: target.origin,
            client,
            authentication,
        })
    }

    /// Asks for tokens, by this form: `grant_type` and what belongs to it. What shows who the
    /// client is comes by itself.
    ///
    /// # Errors
    /// When there was no answer, the provider refused, or the answer is none to go by.
    pub async fn token(&self, form: &[(&str, &str)]) -> Result<TokenResponse, EndpointError> {
        let response = self.post(form).await?;
        TokenResponse::from_response(&response).map_err(|error| error.at(&self.origin))
    }

    /// Sends a form, whatever the answer.
    pub(super) async fn post(
        &self,
        form: &[(&str, &str)],
    ) -> Result<Response<Bytes>, EndpointError> {
        let sent = self.client.send(self.request(form)?).await;
        sent.map_err(EndpointError::from)
    }

    fn request(&self, form: &[(&str, &str)]) -> Result<Request<Bytes>, EndpointError> {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, FORM);
        headers.insert(header::ACCEPT, JSON);
        let applied = self.authentication.apply(&mut body, &mut headers);
        applied.map_err(|_| EndpointError::from(EndpointErrorKind::Assertion).at(&self.origin))?;
        let request = Request::post(self.url.clone()).body(body.finish().into());
        let mut request = request.map_err(|_| ClientError::from(ClientErrorKind::InvalidUrl))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Who is called, as `https://id.example.com`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// In whose name.
    #[must_use]
    pub const fn authentication(&self) -> &ClientAuthentication {
        &self.authentication
    }
}

/// The JSON of an answer that has this status; else why there is none.
pub(super) fn json_of(
    response: &Response<Bytes>,
    expected: StatusCode,
) -> Result<&str, EndpointError> {
    let status = response.status();
    let text = readable(response);
    let refusal = text.as_ref().ok().and_then(|text| refusal_of(text));
    match refusal {
        // Some providers refuse with 200.
        Some(code) if status == expected || status.is_client_error() => {
            let refused = EndpointError::answered(EndpointErrorKind::Refused, status);
            Err(refused.because(code.as_deref()))
        }
        _ if status != expected => Err(EndpointError::answered(EndpointErrorKind::Status, status)),
        _ => text,
    }
}

/// The text of a body that says it is JSON.
fn readable(response: &Response<Bytes>) -> Result<&str, EndpointError> {
    let types = response.headers().get_all(header::CONTENT_TYPE);
    let mut types = types.iter();
    let is_json = types.next().is_some_and(is_json) && types.next().is_none();
    if !is_json {
        return Err(EndpointErrorKind::ContentType.into());
    }
    if response.body().len() > MAX_ANSWER_LEN {
        return Err(EndpointErrorKind::TooLarge.into());
    }
    str::from_utf8(response.body()).map_err(|_| EndpointErrorKind::NotJson.into())
}

fn is_json(value: &HeaderValue) -> bool {
    let essence = value.as_bytes().split(|&byte| byte == b';').next();
    essence.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(JSON.as_bytes()))
}

/// The `error` of an answer that has one, and its code where that is text.
fn refusal_of(json: &str) -> Option<Option<String>> {
    let object = Object::parse(json).ok()?;
    let error = object.get("error").filter(|it| it.raw() != "null")?;
    Some(Value::as_str(error).map(Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointErrorKind::{ContentType, NotJson, Refused, Status, TooLarge};

    type Outcome<'a> = Result<(), (EndpointErrorKind, Option<&'a str>)>;
    /// A name, what is answered, and what becomes of it.
    type Case<'a> = (&'a str, u16, Option<&'a str>, &'a [u8], Outcome<'a>);

    #[test]
    fn what_an_answer_must_be() {
        let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_ANSWER_LEN));
        let ok = |json: &'static str| json.as_bytes();
        let refusal = ok(r#"{"error":"invalid_grant","error_description":"x"}"#);
        let json = Some("application/json");
        let cases: [Case<'_>; 19] = [
            ("good", 200, json, ok("{}"), Ok(())),
            (
                "a charset",
                200,
                Some("Application/JSON; charset=UTF-8"),
                ok("{}"),
                Ok(()),
            ),
            ("no type", 200, None, ok("{}"), Err((ContentType, None))),
            (
                "a page",
                200,
                Some("text/html"),
                ok("{}"),
                Err((ContentType, None)),
            ),
            (
                "a prefix",
                200,
                Some("application/jsonx"),
                ok("{}"),
                Err((ContentType, None)),
            ),
            (
                "two in one",
                200,
                Some("application/json, text/html"),
                ok("{}"),
                Err((ContentType, None)),
            ),
            (
                "too large",
                200,
                json,
                huge.as_bytes(),
                Err((TooLarge, None)),
            ),
            (
                "not text",
                200,
                json,
                b"{\"a\":\"\xff\"}",
                Err((NotJson, None)),
            ),
            (
                "refused",
                400,
                json,
                refusal,
                Err((Refused, Some("invalid_grant"))),
            ),
            (
                "unauthorized",
                401,
                json,
                refusal,
                Err((Refused, Some("invalid_grant"))),
            ),
            (
                "refused with 200",
                200,
                json,
                refusal,
                Err((Refused, Some("invalid_grant"))),
            ),
            (
                "no text",
                400,
                json,
                ok(r#"{"error":{"code":1}}"#),
                Err((Refused, None)),
            ),
            ("no error", 200, json, ok(r#"{"error":null}"#), Ok(())),
            (
                "a page that refuses",
                400,
                Some("text/html"),
                ok("<p>"),
                Err((Status, None)),
            ),
            ("another success", 201, json, ok("{}"), Err((Status, None))),
            ("a redirect", 302, json, ok("{}"), Err((Status, None))),
            ("empty", 204, None, ok(""), Err((Status, None))),
            ("down", 503, json, refusal, Err((Status, None))),
            (
                "broken",
                500,
                Some("text/plain"),
                ok("panic"),
                Err((Status, None)),
            ),
        ];
        for (name, status, content_type, body, expected) in cases {
            let mut response = Response::builder().status(status);
            if let Some(content_type) = content_type {
                response = response.header(header::CONTENT_TYPE, content_type);
            }
            let response = response.body(Bytes::copy_from_slice(body)).unwrap();
            let found = json_of(&response, StatusCode::OK).map(drop);
            let found = found.as_ref().map_err(|it| (it.kind(), it.provider_code()));
            assert_eq!(found.copied(), expected, "{name}");
        }
    }

    #[test]
    fn what_can_be_called() {
        let client = HttpClient::builder()
            .build_over(crate::net::client::FakeTransport::answering(|_| {
                crate::net::client::FakeAnswer::status(200)
            }))
            .unwrap();
        for (url, expected) in [
            ("https://id.example.com/token", true),
            ("https://id.example.com/token?tenant=1", true),
            ("http://127.0.0.1:9410/token", true),
            ("http://id.example.com/token", false),
            ("https://user@id.example.com/token", false),
            ("https://id.example.com/token#x", false),
            ("/token", false),
            ("", false),
        ] {
            let app = ClientAuthentication::none("app").unwrap();
            let found = Endpoint::new(url, client.clone(), app).is_ok();
            assert_eq!(found, expected, "{url}");
        }
    }
}
