//! Signed messages: the bare decisions, with what the record itself asks for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use portcullis::clock::FakeClock;
use portcullis::crypto::keys::{KnownKey, SigningKey, VerifyingKey};
use portcullis::guard::RequestHead;
use portcullis::signing::digest::Digests;
use portcullis::signing::sigv4::SigV4Verifier;
use portcullis::signing::webhook::{WebhookScheme, WebhookSecret, WebhookSigner, WebhookVerifier};
use portcullis::signing::{
    Component, ConfigError, Fault, FieldType, FieldTypes, Message, ReceivedSignature, Signer,
    registered,
};
use portcullis::store::Store;
use serde_json::{Map, Value};
use sfv::Parser;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// A vector with the `keys` of its file: whether the signature is good over the message, and
/// covers and says what the vector asks by `require`, `max_age_s` and `verify_at`. A digest
/// that is covered is recomputed.
pub(crate) fn signature(record: &Value) -> Result<Map<String, Value>, String> {
    let message = Owned::read(record.get("message").ok_or("`message` is missing")?)?;
    let found = match message {
        Ok(mut message) => {
            message.add_signature(record)?;
            verify(record, &message)
        }
        Err(fault) => Err(fault),
    };
    Ok(answer(found))
}

/// `{body_b64, content_digest}`: whether the digest is of the body.
pub(crate) fn content_digest(record: &Value) -> Result<Map<String, Value>, String> {
    let body = body(record)?;
    let field = match record.get("content_digest") {
        Some(Value::String(field)) => field.clone(),
        // Several lines of one field are one.
        Some(Value::Array(lines)) => {
            let lines: Option<Vec<_>> = lines.iter().map(Value::as_str).collect();
            lines.ok_or("`content_digest` must be text")?.join(", ")
        }
        _ => return Err("`content_digest` is missing".to_owned()),
    };
    let verified = Digests::parse(field.as_bytes()).and_then(|digests| digests.verify(&body));
    Ok(answer(verified))
}

pub(crate) fn answer(verified: Result<(), Fault>) -> Map<String, Value> {
    let (outcome, reason) = match verified {
        Ok(()) => ("valid", "ok".to_owned()),
        Err(fault) => ("invalid", format!("{}: {fault}", fault.code())),
    };
    Map::from_iter([
        ("outcome".to_owned(), outcome.into()),
        ("reason".to_owned(), reason.into()),
    ])
}

/// `body`, as text, or `body_b64`.
pub(crate) fn body(record: &Value) -> Result<Vec<u8>, String> {
    match (text(record, "body_b64")?, text(record, "body")?) {
        (Some(packed), _) => STANDARD
            .decode(packed)
            .map_err(|error| format!("`body_b64`: {error}")),
        (None, body) => Ok(body.unwrap_or_default().into()),
    }
}

pub(crate) fn text<'a>(record: &'a Value, name: &str) -> Result<Option<&'a str>, String> {
    match record.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` must be a string")),
    }
}

fn number(record: &Value, name: &str) -> Result<Option<u64>, String> {
    match record.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => number
            .as_u64()
            .map(Some)
            .ok_or_else(|| format!("`{name}` must be a number")),
    }
}

/// Headers as pairs or as an object, whose values may be lists. A folded line is one line (RFC
/// 9112 section 5.2); what is no header is a fault of the message.
pub(crate) fn headers(fields: Option<&Value>) -> Result<Result<HeaderMap, Fault>, String> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    match fields {
        None | Some(Value::Null) => {}
        Some(Value::Array(lines)) => {
            for line in lines {
                match line.as_array().map(Vec::as_slice) {
                    Some([Value::String(name), Value::String(value)]) => pairs.push((name, value)),
                    _ => return Err("a header must be a pair of strings".to_owned()),
                }
            }
        }
        Some(Value::Object(fields)) => {
            for (name, value) in fields {
                let values = value
                    .as_array()
                    .map_or(std::slice::from_ref(value), |it| it);
                for value in values {
                    let value = value.as_str().ok_or("a header must be a string")?;
                    pairs.push((name, value));
                }
            }
        }
        Some(_) => return Err("`headers` must be pairs or an object".to_owned()),
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let line = unfolded(value);
        // Characters up to U+00FF are bytes, as most tools have them.
        let latin: Option<Vec<u8>> = line.chars().map(|c| u8::try_from(c).ok()).collect();
        let value = latin.unwrap_or_else(|| line.clone().into_bytes());
        let name = HeaderName::from_bytes(name.as_bytes());
        match (name, HeaderValue::from_bytes(&value)) {
            (Ok(name), Ok(value)) => headers.append(name, value),
            _ => return Ok(Err(Fault::Malformed("a header"))),
        };
    }
    Ok(Ok(headers))
}

fn unfolded(value: &str) -> String {
    let mut lines = value.split("\r\n");
    let mut whole = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            whole.truncate(whole.trim_end_matches([' ', '\t']).len());
            whole.push(' ');
            whole.push_str(line.trim_start_matches([' ', '\t']));
        } else {
            // No fold, but the attempt to begin another header.
            whole.push_str("\r\n");
            whole.push_str(line);
        }
    }
    whole
}

/// A message of a vector, and the request that it answers.
struct Owned {
    method: Method,
    uri: Uri,
    /// Of a response.
    status: Option<StatusCode>,
    headers: HeaderMap,
    trailers: HeaderMap,
    types: FieldTypes,
    body: Vec<u8>,
    request: Option<Box<Self>>,
}

impl Owned {
    fn read(record: &Value) -> Result<Result<Self, Fault>, String> {
        let status = match number(record, "status")? {
            None => None,
            Some(status) => {
                let status = u16::try_from(status).ok();
                let status = status.and_then(|status| StatusCode::from_u16(status).ok());
                Some(status.ok_or("`status` is none")?)
            }
        };
        let method = text(record, "method")?.unwrap_or("GET");
        let target = text(record, "target_uri")?.or(text(record, "url")?);
        let request = ["request", "related_request", "req"]
            .iter()
            .find_map(|name| record.get(name))
            .filter(|request| request.is_object());
        let request = match request.map(Self::read).transpose()? {
            None => None,
            Some(Ok(request)) => Some(Box::new(request)),
            Some(Err(fault)) => return Ok(Err(fault)),
        };
        let (headers, trailers) = (
            headers(record.get("headers"))?,
            headers(record.get("trailers"))?,
        );
        let (Ok(headers), Ok(trailers)) = (headers, trailers) else {
            return Ok(Err(Fault::Malformed("a header")));
        };
        let method = Method::from_bytes(method.as_bytes());
        let uri = target.unwrap_or("/").parse::<Uri>();
        let (Ok(method), Ok(uri)) = (method, uri) else {
            return Ok(Err(Fault::Malformed("the method or the target")));
        };
        Ok(Ok(Self {
            method,
            uri,
            status,
            types: guessed_types(&headers),
            headers,
            trailers,
            body: body(record)?,
            request,
        }))
    }

    /// The message as signatures see it.
    fn with_message<T>(&self, look: impl FnOnce(&Message<'_>) -> T) -> T {
        let request = self.request.as_deref().map(|it| {
            Message::of_request(&it.method, &it.uri, &it.headers).with_field_types(&it.types)
        });
        let message = match self.status {
            None => Message::of_request(&self.method, &self.uri, &self.headers),
            Some(status) => Message::of_response(status, &self.headers, request.as_ref()),
        };
        let message = message.with_trailers(&self.trailers);
        look(&message.with_field_types(&self.types))
    }

    fn add_signature(&mut self, record: &Value) -> Result<(), String> {
        for (name, field) in [
            ("signature_input", "signature-input"),
            ("signature", "signature"),
        ] {
            let lines = match record.get(name) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(lines)) => lines.as_slice(),
                Some(line) => std::slice::from_ref(line),
            };
            self.headers.remove(field);
            for line in lines {
                let line = line.as_str();
                let line = line.ok_or_else(|| format!("`{name}` must be a string"))?;
                // Anything that no header can hold is malformed all the same.
                let value =
                    HeaderValue::from_str(line).unwrap_or_else(|_| HeaderValue::from_static("\\"));
                self.headers.append(field, value);
            }
        }
        Ok(())
    }
}

/// Types of structured fields that nobody registered, by what they look like: a vector has no
/// way to say it.
fn guessed_types(headers: &HeaderMap) -> FieldTypes {
    headers.keys().fold(FieldTypes::new(), |types, name| {
        let all: Vec<_> = headers.get_all(name).iter().collect();
        let lines: Vec<_> = all.iter().filter_map(|line| line.to_str().ok()).collect();
        match (FieldType::registered(name), guess(&lines.join(", "))) {
            (None, Some(field_type)) => types.with(name.clone(), field_type),
            _ => types,
        }
    })
}

fn guess(text: &str) -> Option<FieldType> {
    if Parser::new(text).parse::<sfv::List>().is_ok() {
        Some(FieldType::List)
    } else if Parser::new(text).parse::<sfv::Dictionary>().is_ok() {
        Some(FieldType::Dictionary)
    } else {
        let item = Parser::new(text).parse::<sfv::Item>();
        item.is_ok().then_some(FieldType::Item)
    }
}

fn verify(record: &Value, owned: &Owned) -> Result<(), Fault> {
    owned.with_message(|message| verify_message(record, owned, message))
}

fn verify_message(record: &Value, owned: &Owned, message: &Message<'_>) -> Result<(), Fault> {
    let all = ReceivedSignature::all_of(message)?;
    let label = record.get("label").and_then(Value::as_str);
    let mut chosen = all
        .iter()
        .filter(|it| label.is_none_or(|label| it.label() == label));
    let signature = chosen.next().ok_or(Fault::UnknownLabel)?;

    check_required(record, signature)?;
    check_time(record, signature)?;
    let key = key(record, signature)?;
    signature.dangerous_verify_without_policy(message, &key)?;
    signature.digests(message)?.verify(&owned.body)
}

fn check_required(record: &Value, signature: &ReceivedSignature) -> Result<(), Fault> {
    let required = record.get("require").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let component: Component = name.parse()?;
        if !signature.covers(&component) {
            return Err(Fault::NotCovered(name.into()));
        }
    }
    Ok(())
}

/// The window of a vector is strict: no time is given to clocks that differ.
fn check_time(record: &Value, signature: &ReceivedSignature) -> Result<(), Fault> {
    let field = |name| number(record, name).map_err(|_| Fault::Malformed("the record"));
    let Some(now) = field("verify_at")? else {
        return Ok(());
    };
    let parameters = signature.parameters();
    if parameters.expires().is_some_and(|expires| now > expires) {
        return Err(Fault::Expired);
    }
    let Some(created) = parameters.created() else {
        return match field("max_age_s")? {
            Some(_) => Err(Fault::NoTime),
            None => Ok(()),
        };
    };
    if created > now {
        return Err(Fault::FromFuture);
    }
    match field("max_age_s")? {
        Some(max_age) if now - created > max_age => Err(Fault::Stale),
        _ => Ok(()),
    }
}

/// The key that the signature names, else the one that the record does.
fn key(record: &Value, signature: &ReceivedSignature) -> Result<KnownKey, Fault> {
    let named = signature.parameters().key_id();
    let key_id = named.or_else(|| record.get("keyid").and_then(Value::as_str));
    let key_id = key_id.ok_or(Fault::NoKeyId)?;
    let entry = record.get("keys").and_then(|keys| keys.get(key_id));
    let entry = entry.ok_or(Fault::UnknownKey)?;
    read_key(entry).ok_or(Fault::UnknownKey)
}

fn read_key(entry: &Value) -> Option<KnownKey> {
    let field = |name| entry.get(name).and_then(Value::as_str);
    let packed = |name| field(name).and_then(|text| STANDARD.decode(text).ok());
    let algorithm = registered(field("alg")?)?;
    let key = match (packed("secret_b64"), packed("spki_b64")) {
        (Some(secret), _) => VerifyingKey::from_secret(algorithm, &secret.into()).ok()?,
        (None, Some(der)) => VerifyingKey::from_spki(&der).ok()?,
        (None, None) => return None,
    };
    KnownKey::new(key.only_for(algorithm).ok()?).ok()
}

/// A webhook: `{scheme, secret, headers, body, now, tolerance_s}`.
pub(crate) fn webhook(record: &Value) -> Result<Map<String, Value>, String> {
    let scheme = text(record, "scheme")?.ok_or("`scheme` is missing")?;
    let scheme: WebhookScheme = scheme.parse().map_err(|it: ConfigError| it.to_string())?;
    let secrets: Vec<&str> = match record.get("secret") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => return Err("`secret` is missing".to_owned()),
    };
    // Vectors have the secrets that they have.
    let read = |text: &&str| WebhookSecret::insecure_of_any_length(scheme, &(*text).into());
    let secrets: Result<Vec<_>, _> = secrets.iter().map(read).collect();
    let told = |error: ConfigError| error.to_string();
    let verifier = WebhookVerifier::insecure_without_replay_control(secrets.map_err(told)?);
    let mut verifier = verifier.map_err(told)?;
    if let Some(seconds) = number(record, "tolerance_s")? {
        let tolerance = std::time::Duration::from_secs(seconds);
        verifier = verifier.tolerance(tolerance).map_err(told)?;
    }
    if let Some(now) = number(record, "now")? {
        verifier = verifier.with_clock(FakeClock::at_unix_seconds(now).clock());
    }
    let body = body(record)?;
    let verified = match headers(record.get("headers"))? {
        Ok(headers) => at_once(verifier.verify(&headers, &body)).map(|_| ()),
        Err(fault) => Err(fault),
    };
    Ok(answer(verified))
}

/// Without a store there is nothing to wait for.
fn at_once<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(answer).poll(&mut context) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Fault::Unavailable("it waits".into())),
    }
}

/// Signs: `{message, keyid, alg, secret_b64 | pkcs8_b64, components, created, nonce?}` gives
/// the fields of RFC 9421.
pub(crate) fn sign(record: &Value) -> Result<Map<String, Value>, String> {
    let told = |error: ConfigError| error.to_string();
    let message = record.get("message").ok_or("`message` is missing")?;
    let owned = Owned::read(message)?.map_err(|fault| fault.to_string())?;
    let algorithm = text(record, "alg")?.and_then(registered);
    let algorithm = algorithm.ok_or("`alg` is none")?;
    let packed = |name: &str| {
        let text = text(record, name).ok().flatten();
        text.and_then(|text| STANDARD.decode(text).ok())
    };
    let key = match (packed("secret_b64"), packed("pkcs8_b64")) {
        (Some(secret), _) => SigningKey::from_secret(algorithm, &secret.into()),
        (None, Some(der)) => SigningKey::from_pkcs8(algorithm, &der),
        (None, None) => return Err("there is no key".to_owned()),
    };
    let key = key.map_err(|error| error.to_string())?;
    let key_id = text(record, "keyid")?.ok_or("`keyid` is missing")?;
    let mut signer = Signer::new(key.with_key_id(key_id)).map_err(told)?;
    if let Some(names) = record.get("components").and_then(Value::as_array) {
        let components = names.iter().filter_map(Value::as_str).map(str::parse);
        let components: Result<Vec<Component>, Fault> = components.collect();
        let components = components.map_err(|fault| fault.to_string())?;
        signer = signer.covering(components).map_err(told)?;
    }
    if let Some(created) = number(record, "created")? {
        signer = signer.with_clock(FakeClock::at_unix_seconds(created).clock());
    }
    if record.get("nonce") == Some(&Value::Bool(false)) {
        signer = signer.without_nonce();
    }
    let fields = owned.with_message(|message| signer.sign(message));
    let fields = fields.map_err(|fault| fault.to_string())?;
    let shown = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    Ok(Map::from_iter([
        ("signature_input".to_owned(), shown(&fields.input).into()),
        ("signature".to_owned(), shown(&fields.signature).into()),
    ]))
}

/// Sends a webhook: `{scheme, secret, message_id, body, now?}` gives its `headers`.
pub(crate) fn sign_webhook(record: &Value) -> Result<Map<String, Value>, String> {
    let told = |error: ConfigError| error.to_string();
    let scheme = text(record, "scheme")?.ok_or("`scheme` is missing")?;
    let scheme: WebhookScheme = scheme.parse().map_err(told)?;
    let secret = text(record, "secret")?.ok_or("`secret` is missing")?;
    let secret = WebhookSecret::insecure_of_any_length(scheme, &secret.into());
    let mut signer = WebhookSigner::new([secret.map_err(told)?]).map_err(told)?;
    if let Some(now) = number(record, "now")? {
        signer = signer.with_clock(FakeClock::at_unix_seconds(now).clock());
    }
    let id = text(record, "message_id")?.unwrap_or("msg_1");
    let headers = signer
        .sign(id, &body(record)?)
        .map_err(|fault| fault.to_string())?;
    let pairs = headers.iter().map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        (name.to_string(), value.into())
    });
    Ok(Map::from_iter([(
        "headers".to_owned(),
        Value::Object(pairs.collect()),
    )]))
}

/// AWS Signature Version 4: `{method, url, headers, body, access_key, secret, region, service,
/// now}`.
pub(crate) fn sigv4(record: &Value) -> Result<Map<String, Value>, String> {
    let field = |name: &str| text(record, name)?.ok_or_else(|| format!("`{name}` is missing"));
    let now = number(record, "now")?.ok_or("`now` is missing")?;
    let verifier = SigV4Verifier::new(field("region")?, field("service")?, Store::memory())
        .credential(field("access_key")?, &field("secret")?.into())
        .map_err(|error| error.to_string())?
        .with_clock(FakeClock::at_unix_seconds(now).clock());
    let verified = match Owned::read(record)? {
        Ok(owned) => {
            let mut request = http::Request::new(());
            *request.method_mut() = owned.method;
            *request.uri_mut() = owned.uri;
            *request.headers_mut() = owned.headers;
            at_once(verifier.verify(&RequestHead::of(&request), &owned.body)).map(|_| ())
        }
        Err(fault) => Err(fault),
    };
    Ok(answer(verified))
}
