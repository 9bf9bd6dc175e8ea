//! A recorded request, one JSON object a line: what `probe waf` and `waf_score` read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis::waf::{Field, FieldKind, RawRequest, Ruleset, Waf, WafError};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(crate) struct Record {
    method: String,
    path: String,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    body: String,
    body_b64: Option<String>,
    #[serde(skip)]
    decoded: Vec<u8>,
}

/// Headers as an object, or as pairs where names repeat.
#[derive(Deserialize)]
#[serde(untagged)]
enum Headers {
    Named(BTreeMap<String, String>),
    Listed(Vec<(String, String)>),
}

impl Default for Headers {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Record {
    /// Undoes the base64 of a body that is no text.
    pub(crate) fn decoded(mut self) -> Result<Self, String> {
        if let Some(body) = &self.body_b64 {
            let decoded = STANDARD.decode(body);
            self.decoded = decoded.map_err(|error| format!("body_b64: {error}"))?;
        }
        Ok(self)
    }

    pub(crate) fn request(&self) -> RawRequest<'_> {
        let mut request = RawRequest::new(&self.method, &self.path);
        match &self.headers {
            Headers::Named(headers) => {
                for (name, value) in headers {
                    request = request.header(name, value);
                }
            }
            Headers::Listed(headers) => {
                for (name, value) in headers {
                    request = request.header(name, value);
                }
            }
        }
        if self.body_b64.is_some() {
            request.body(&self.decoded)
        } else {
            request.body(&self.body)
        }
    }
}

/// The builtin rules at this level, with fields of these kinds.
pub(crate) fn waf(level: u8, fields: &BTreeMap<String, FieldKind>) -> Result<Waf, WafError> {
    let builder = Waf::builder(Ruleset::builtin().level(level)?);
    let fields = fields.iter();
    fields
        .fold(builder, |builder, (name, kind)| {
            builder.field(Field::named(name), *kind)
        })
        .build()
}
