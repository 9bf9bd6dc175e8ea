//! `Signature-Input` and `Signature`, read strictly: RFC 9421 section 4, RFC 9651.
//!
//! Stricter than structured fields ask for, because what one parser overwrites another one may
//! keep: a label, a component or a parameter that comes twice is refused, and so is base64 that
//! is not the one spelling of its bytes.

mod input;
mod list;
mod plain;
mod value;

pub(super) use input::component;
pub(super) use list::{Draft, List, Lists};

use super::received::Received;
use super::{Fault, ReceivedSignature};
use http::{HeaderMap, HeaderName};
use std::borrow::Cow;
use std::iter::{Chain, Once};
use std::ops::Range;
use std::sync::Arc;

pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("signature");
pub(super) const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// The most bytes of one of the two fields.
pub(super) const MAX_FIELD_LEN: usize = 16 * 1024;
/// The most signatures of a message.
pub(super) const MAX_SIGNATURES: usize = 8;
/// The most components of one signature.
pub(super) const MAX_COMPONENTS: usize = 64;
/// The most parameters of one signature. Six are registered.
const MAX_PARAMETERS: usize = 16;

/// What one signature says that it covers, and of itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    /// The label, an equals sign, and the value of `@signature-params`: as it was signed,
    /// whatever the spaces were.
    field: String,
    label_len: usize,
    list: Arc<List>,
    pub(super) created: Option<u64>,
    pub(super) expires: Option<u64>,
    nonce: Text,
    algorithm: Text,
    key_id: Text,
    tag: Text,
}

/// The value of a parameter that is a string.
#[derive(Clone, Debug, PartialEq)]
enum Text {
    Absent,
    /// As it stands in the field.
    Inside(Range<usize>),
    /// Without the escapes that it has there.
    Unescaped(Box<str>),
}

impl Input {
    /// A field that begins with this label and this list. What else it says has to be read.
    const fn new(label: &str, field: String, list: Arc<List>) -> Self {
        Self {
            field,
            label_len: label.len(),
            list,
            created: None,
            expires: None,
            nonce: Text::Absent,
            algorithm: Text::Absent,
            key_id: Text::Absent,
            tag: Text::Absent,
        }
    }

    pub(super) fn label(&self) -> &str {
        self.field.get(..self.label_len).unwrap_or_default()
    }

    /// The value of `@signature-params`.
    pub(super) fn text(&self) -> &str {
        self.field.get(self.label_len + 1..).unwrap_or_default()
    }

    pub(super) const fn list(&self) -> &Arc<List> {
        &self.list
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        self.read(&self.nonce)
    }

    pub(super) fn algorithm(&self) -> Option<&str> {
        self.read(&self.algorithm)
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.read(&self.key_id)
    }

    pub(super) fn tag(&self) -> Option<&str> {
        self.read(&self.tag)
    }

    fn read<'a>(&'a self, text: &'a Text) -> Option<&'a str> {
        match text {
            Text::Absent => None,
            Text::Inside(span) => self.field.get(span.clone()),
            Text::Unescaped(text) => Some(text),
        }
    }
}

/// A signature. That of an HMAC needs no room of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SignatureBytes {
    Mac([u8; 32]),
    Other(Box<[u8]>),
}

impl SignatureBytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mac(bytes) => bytes,
            Self::Other(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for SignatureBytes {
    fn from(bytes: Vec<u8>) -> Self {
        bytes
            .try_into()
            .map_or_else(|bytes: Vec<u8>| Self::Other(bytes.into()), Self::Mac)
    }
}

/// The signatures of a message, in the order of `Signature-Input`: the first, which for almost
/// all is the only one, and the others.
#[derive(Debug)]
pub(super) struct Signatures {
    pub(super) first: ReceivedSignature,
    pub(super) others: Vec<ReceivedSignature>,
}

impl Signatures {
    /// Reads them. Lists that are known are not parsed again.
    pub(super) fn of(headers: &HeaderMap, known: &Lists) -> Result<Self, Fault> {
        let inputs = field(headers, &SIGNATURE_INPUT, "Signature-Input")?;
        let signatures = field(headers, &SIGNATURE, "Signature")?;
        let (Some(inputs), Some(signatures)) = (&inputs, &signatures) else {
            // One without the other is as good as none, but not the same to who looks at events.
            return Err(match (inputs, signatures) {
                (None, None) => Fault::Absent,
                _ => Fault::UnknownLabel,
            });
        };
        if let Some(first) = plain::read(inputs, signatures, known) {
            return Ok(Self {
                first,
                others: Vec::new(),
            });
        }
        let inputs = input::read(inputs)?;
        let mut values = value::read(signatures)?;
        if inputs.len() != values.len() {
            return Err(Fault::UnknownLabel);
        }
        let mut all = inputs.into_iter().map(|input| {
            let mut labels = values.iter().map(|(label, _)| &**label);
            let place = labels.position(|label| label == input.label());
            let (_, signature) = values.swap_remove(place.ok_or(Fault::UnknownLabel)?);
            let signature = signature.into();
            Ok(ReceivedSignature(Box::new(Received { input, signature })))
        });
        Ok(Self {
            first: all.next().ok_or(Fault::Absent)??,
            others: all.collect::<Result<_, Fault>>()?,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ReceivedSignature> + Clone {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl IntoIterator for Signatures {
    type Item = ReceivedSignature;
    type IntoIter = Chain<Once<ReceivedSignature>, std::vec::IntoIter<ReceivedSignature>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.others)
    }
}

/// All lines of a field as one, which for almost all is the only line.
fn field<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<Cow<'a, [u8]>>, Fault> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut whole = Cow::Borrowed(first.as_bytes());
    for line in lines {
        let whole = whole.to_mut();
        whole.extend_from_slice(b", ");
        whole.extend_from_slice(line.as_bytes());
    }
    if whole.len() > MAX_FIELD_LEN {
        return Err(Fault::TooMuch(shown));
    }
    Ok(Some(whole))
}

/// Ends the reading. Why stands in the fault beside it.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Refused;

/// What becomes of an error of the parser: the fault that ended it, where there is one.
fn or_malformed<T>(
    parsed: Result<T, sfv::Error>,
    fault: Option<Fault>,
    what: &'static str,
) -> Result<T, Fault> {
    parsed.map_err(|_| fault.unwrap_or(Fault::Malformed(what)))
}

#[cold]
fn refuse<T>(place: &mut Option<Fault>, fault: Fault) -> Result<T, Refused> {
    *place = Some(fault);
    Err(Refused)
}

/// A string of RFC 9651 section 4.1.6; the parser has seen to it that the characters are fit.
pub(super) fn put_string(text: &mut String, value: &str) {
    text.push('"');
    let mut rest = value;
    while let Some((plain, escaped)) = rest
        .find(['"', '\\'])
        .and_then(|at| rest.split_at_checked(at))
    {
        text.push_str(plain);
        text.push('\\');
        let mut characters = escaped.chars();
        text.extend(characters.next());
        rest = characters.as_str();
    }
    text.push_str(rest);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, signature: &str) -> Result<Vec<ReceivedSignature>, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_INPUT, input.parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        Signatures::of(&headers, &Lists::new()).map(|all| all.into_iter().collect())
    }

    #[test]
    fn text_is_as_it_was_signed_whatever_the_spaces() {
        let input =
            "a=( \"@method\"   \"date\";req );x;created=1; keyid=\"k\\\"\";n=1.50;b=:AA==:;t=*a";
        let read = read(input, "a=:AA==:");
        let read = &read.unwrap()[0].0.input;
        assert_eq!(
            read.text(),
            "(\"@method\" \"date\";req);x;created=1;keyid=\"k\\\"\";n=1.5;b=:AA==:;t=*a"
        );
        let shown: Vec<_> = read.list().iter().map(|(shown, _)| shown).collect();
        assert_eq!(shown, ["\"@method\"", "\"date\";req"]);
        assert_eq!(read.created, Some(1));
        assert_eq!(read.key_id(), Some("k\""));
    }

    #[test]
    fn what_is_refused() {
        let good = "a=(\"date\");created=1";
        let long = format!("a=({})", "\"date\" ".repeat(3000));
        let many = format!(
            "a=({})",
            (0..=MAX_COMPONENTS).fold(String::new(), |all, n| format!("{all}\"x{n}\" "))
        );
        let labels = (0..=MAX_SIGNATURES).fold(String::new(), |all, n| {
            let comma = if n == 0 { "" } else { ", " };
            format!("{all}{comma}l{n}=()")
        });
        for (name, input, signature, code) in [
            ("other label", good, "b=:AA==:", "unknown_label"),
            ("one more", good, "a=:AA==:, b=:AA==:", "unknown_label"),
            ("empty", "", "", "absent"),
            ("twice", "a=(), a=()", "a=:AA==:", "duplicate"),
            ("signed twice", good, "a=:AA==:, a=:AA==:", "duplicate"),
            ("no list", "a=\"date\"", "a=:AA==:", "malformed"),
            ("no bytes", good, "a=\"AA==\"", "malformed"),
            ("a list of bytes", good, "a=(:AA==:)", "malformed"),
            ("no padding", good, "a=:AA:", "malformed"),
            ("loose bits", good, "a=:AB==:", "malformed"),
            ("not base64", good, "a=:A*==:", "malformed"),
            (
                "time is text",
                "a=();created=\"1\"",
                "a=:AA==:",
                "malformed",
            ),
            (
                "time is a fraction",
                "a=();created=1.5",
                "a=:AA==:",
                "malformed",
            ),
            (
                "time is negative",
                "a=();created=-1",
                "a=:AA==:",
                "malformed",
            ),
            ("time is a date", "a=();created=@1", "a=:AA==:", "malformed"),
            ("key id is a token", "a=();keyid=k", "a=:AA==:", "malformed"),
            ("nonce is a number", "a=();nonce=1", "a=:AA==:", "malformed"),
            ("parameter twice", "a=();x;x", "a=:AA==:", "duplicate"),
            (
                "created twice",
                "a=();created=1;created=2",
                "a=:AA==:",
                "duplicate",
            ),
            (
                "component twice",
                "a=(\"x\" \"x\")",
                "a=:AA==:",
                "duplicate",
            ),
            (
                "in another order",
                "a=(\"x\";req;tr \"x\";tr;req)",
                "a=:AA==:",
                "duplicate",
            ),
            ("a token", "a=(date)", "a=:AA==:", "malformed"),
            ("too long", &long, "a=:AA==:", "too_much"),
            ("too many", &many, "a=:AA==:", "too_much"),
            ("too many labels", &labels, "a=:AA==:", "too_much"),
            ("junk behind", "a=()x", "a=:AA==:", "malformed"),
            ("a comma behind", "a=(),", "a=:AA==:", "malformed"),
            (
                "a tab in a list",
                "a=(\"x\"\t\"y\")",
                "a=:AA==:",
                "malformed",
            ),
        ] {
            let found = match read(input, signature) {
                Ok(_) => "accepted",
                Err(fault) => fault.code(),
            };
            assert_eq!(found, code, "{name}");
        }
    }
}
