//! What the headers of a webhook say, read and not verified.

use super::WebhookScheme;
use crate::signing::{Fault, hex};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};

pub(super) const ID: HeaderName = HeaderName::from_static("webhook-id");
pub(super) const TIME: HeaderName = HeaderName::from_static("webhook-timestamp");
pub(super) const SIGNATURES: HeaderName = HeaderName::from_static("webhook-signature");
pub(super) const STRIPE: HeaderName = HeaderName::from_static("stripe-signature");
pub(super) const GITHUB: HeaderName = HeaderName::from_static("x-hub-signature-256");
pub(super) const SLACK: HeaderName = HeaderName::from_static("x-slack-signature");
pub(super) const SLACK_TIME: HeaderName = HeaderName::from_static("x-slack-request-timestamp");

/// The most signatures of one webhook. There are several while a secret is replaced.
const MAX_SIGNATURES: usize = 16;
const MAX_ID_LEN: usize = 256;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Presented<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) seconds: Option<u64>,
    /// What is signed before the body.
    pub(super) prefix: String,
    pub(super) candidates: Vec<Candidate>,
}

/// A signature of a version that counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Candidate {
    Mac([u8; 32]),
    Ed25519([u8; 64]),
}

impl<'a> Presented<'a> {
    pub(super) fn read(scheme: WebhookScheme, headers: &'a HeaderMap) -> Result<Self, Fault> {
        let presented = match scheme {
            WebhookScheme::StandardWebhooks => standard(headers),
            WebhookScheme::Stripe => stripe(headers),
            WebhookScheme::GitHub => github(headers),
            WebhookScheme::Slack => slack(headers),
        }?;
        match presented.candidates.len() {
            // Of other versions alone, or malformed.
            0 => Err(Fault::BadSignature),
            1..=MAX_SIGNATURES => Ok(presented),
            _ => Err(Fault::TooMuch("signatures")),
        }
    }
}

/// A header that comes once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Fault> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    let value = value.ok_or_else(|| Fault::Missing(name.as_str().into()))?;
    if values.next().is_some() {
        return Err(Fault::Duplicate("a header"));
    }
    value.to_str().map_err(|_| Fault::Malformed("a header"))
}

fn signature<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Fault> {
    if headers.contains_key(name) {
        one(headers, name)
    } else {
        Err(Fault::Absent)
    }
}

fn seconds(text: &str) -> Result<u64, Fault> {
    crate::signing::seconds(text).ok_or(Fault::Malformed("a time"))
}

fn standard(headers: &HeaderMap) -> Result<Presented<'_>, Fault> {
    let signatures = signature(headers, &SIGNATURES)?;
    let (id, time) = (one(headers, &ID)?, one(headers, &TIME)?);
    if !is_id(id) {
        return Err(Fault::Malformed("webhook-id"));
    }
    let candidates = signatures.split(' ').filter_map(|one| {
        let (version, packed) = one.split_once(',')?;
        let bytes = STANDARD.decode(packed).ok()?;
        match version {
            "v1" => bytes.try_into().ok().map(Candidate::Mac),
            "v1a" => bytes.try_into().ok().map(Candidate::Ed25519),
            _ => None,
        }
    });
    Ok(Presented {
        id: Some(id),
        seconds: Some(seconds(time)?),
        prefix: format!("{id}.{time}."),
        candidates: candidates.take(MAX_SIGNATURES + 1).collect(),
    })
}

/// Dots are between the parts of what is signed: in the id there must be none.
pub(super) fn is_id(id: &str) -> bool {
    let is_fit = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'.';
    !id.is_empty() && id.len() <= MAX_ID_LEN && id.bytes().all(is_fit)
}

fn stripe(headers: &HeaderMap) -> Result<Presented<'_>, Fault> {
    let mut time = None;
    let mut candidates = Vec::new();
    for part in signature(headers, &STRIPE)?.split(',') {
        let (name, value) = part
            .split_once('=')
            .ok_or(Fault::Malformed("Stripe-Signature"))?;
        match name {
            "t" if time.replace(value).is_some() => return Err(Fault::Duplicate("a time")),
            "v1" if candidates.len() <= MAX_SIGNATURES => {
                candidates.extend(hex::read_32(value.as_bytes()).map(Candidate::Mac));
            }
            // v0 is for tests; others are not known.
            _ => {}
        }
    }
    let time = time.ok_or(Fault::NoTime)?;
    Ok(Presented {
        id: None,
        seconds: Some(seconds(time)?),
        prefix: format!("{time}."),
        candidates,
    })
}

fn github(headers: &HeaderMap) -> Result<Presented<'_>, Fault> {
    let mac = signature(headers, &GITHUB)?.strip_prefix("sha256=");
    let mac = mac.and_then(|digits| hex::read_32(digits.as_bytes()));
    Ok(Presented {
        id: None,
        seconds: None,
        prefix: String::new(),
        candidates: mac.map(Candidate::Mac).into_iter().collect(),
    })
}

fn slack(headers: &HeaderMap) -> Result<Presented<'_>, Fault> {
    let mac = signature(headers, &SLACK)?.strip_prefix("v0=");
    let mac = mac.and_then(|digits| hex::read_32(digits.as_bytes()));
    let time = one(headers, &SLACK_TIME)?;
    Ok(Presented {
        id: None,
        seconds: Some(seconds(time)?),
        prefix: format!("v0:{time}:"),
        candidates: mac.map(Candidate::Mac).into_iter().collect(),
    })
}
