//! `Signature-Input` and `Signature`, read strictly: RFC 9421 section 4, RFC 9651.
//!
//! Stricter than structured fields ask for, because what one parser overwrites another one may
//! keep: a label, a component or a parameter that comes twice is refused, and so is base64 that
//! is not the one spelling of its bytes.

use super::component::{Component, Identity};
use super::{Fault, Parameters};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

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

/// What one signature says that it covers.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    pub(super) label: Box<str>,
    /// The value of `@signature-params`: as it was signed, whatever the spaces were.
    pub(super) text: String,
    pub(super) covered: Vec<Covered>,
    pub(super) parameters: Parameters,
}

#[derive(Clone, Debug)]
pub(super) struct Covered {
    pub(super) identity: Identity,
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
}

impl Input {
    /// A component as it stands in the text.
    pub(super) fn id(&self, covered: &Covered) -> &str {
        self.text.get(covered.span.clone()).unwrap_or_default()
    }
}

/// One signature of a message, read and not verified.
#[derive(Clone, Debug)]
pub(super) struct Labeled {
    pub(super) input: Input,
    pub(super) signature: Vec<u8>,
}

/// All signatures of a message, in the order of `Signature-Input`.
pub(super) fn signatures(headers: &HeaderMap) -> Result<Vec<Labeled>, Fault> {
    let inputs = field(headers, &SIGNATURE_INPUT, "Signature-Input")?;
    let signatures = field(headers, &SIGNATURE, "Signature")?;
    let (Some(inputs), Some(signatures)) = (&inputs, &signatures) else {
        // One without the other is as good as none, but not the same to who looks at events.
        return Err(match (inputs, signatures) {
            (None, None) => Fault::Absent,
            _ => Fault::UnknownLabel,
        });
    };
    let inputs = read_inputs(inputs)?;
    let mut values = read_signatures(signatures)?;
    if inputs.len() != values.len() {
        return Err(Fault::UnknownLabel);
    }
    let mut labeled = Vec::with_capacity(inputs.len());
    for input in inputs {
        let place = values.iter().position(|(label, _)| **label == *input.label);
        let (_, signature) = values.swap_remove(place.ok_or(Fault::UnknownLabel)?);
        labeled.push(Labeled { input, signature });
    }
    Ok(labeled)
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

fn read_inputs(text: &[u8]) -> Result<Vec<Input>, Fault> {
    let (mut inputs, mut fault) = (Vec::with_capacity(1), None);
    let visitor = Inputs {
        inputs: &mut inputs,
        fault: &mut fault,
    };
    let parsed = Parser::new(text).parse_dictionary_with_visitor(visitor);
    or_malformed(parsed, fault, "Signature-Input")?;
    Ok(inputs)
}

/// A component by itself, with its parameters.
pub(super) fn component(text: &str) -> Result<Component, Fault> {
    let (mut input, mut fault) = (Input::default(), None);
    let visitor = Visit {
        input: &mut input,
        fault: &mut fault,
    };
    let parsed = Parser::new(text).parse_item_with_visitor(visitor);
    or_malformed(parsed, fault, "a component")?;
    let covered = input.covered.pop().ok_or(Fault::Malformed("a component"))?;
    Ok(Component {
        identity: covered.identity,
        id: Cow::Owned(input.text),
    })
}

struct Inputs<'a> {
    inputs: &'a mut Vec<Input>,
    fault: &'a mut Option<Fault>,
}

impl<'de> DictionaryVisitor<'de> for Inputs<'_> {
    type Out = ();
    type Error = Refused;

    fn entry(&mut self, label: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Refused> {
        let label = label.as_str();
        if self.inputs.iter().any(|input| *input.label == *label) {
            return refuse(self.fault, Fault::Duplicate("a label"));
        }
        if self.inputs.len() == MAX_SIGNATURES {
            return refuse(self.fault, Fault::TooMuch("signatures"));
        }
        let input = self.inputs.push_mut(Input {
            label: label.into(),
            text: String::with_capacity(160),
            covered: Vec::with_capacity(6),
            ..Input::default()
        });
        Ok(Visit {
            input,
            fault: self.fault,
        })
    }

    fn finish(self) -> Result<(), Refused> {
        Ok(())
    }
}

#[cold]
fn refuse<T>(place: &mut Option<Fault>, fault: Fault) -> Result<T, Refused> {
    *place = Some(fault);
    Err(Refused)
}

/// Where what is read goes.
struct Visit<'a> {
    input: &'a mut Input,
    fault: &'a mut Option<Fault>,
}

impl Visit<'_> {
    fn again(&mut self) -> Visit<'_> {
        Visit {
            input: self.input,
            fault: self.fault,
        }
    }
}

impl<'de> EntryVisitor<'de> for Visit<'_> {
    type Error = Refused;

    fn item(self) -> Result<impl ItemVisitor<'de>, Refused> {
        refuse::<Ignored>(self.fault, Fault::Malformed("Signature-Input"))
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Refused> {
        self.input.text.push('(');
        Ok(self)
    }
}

impl<'de> InnerListVisitor<'de> for Visit<'_> {
    type Error = Refused;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Refused> {
        if self.input.covered.len() == MAX_COMPONENTS {
            return refuse(self.fault, Fault::TooMuch("components"));
        }
        if !self.input.covered.is_empty() {
            self.input.text.push(' ');
        }
        Ok(self.again())
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Refused> {
        self.input.text.push(')');
        Ok(ReadParameters {
            to: self,
            seen: Vec::with_capacity(4),
        })
    }
}

impl<'de> ItemVisitor<'de> for Visit<'_> {
    type Out = ();
    type Error = Refused;

    fn bare_item(
        self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Refused> {
        let BareItemFromInput::String(name) = item else {
            return refuse(self.fault, Fault::Malformed("a component"));
        };
        match Identity::named(name.as_str()) {
            Ok(identity) => {
                let start = self.input.text.len();
                put_string(&mut self.input.text, name.as_str());
                Ok(ReadComponent {
                    to: self,
                    identity,
                    start,
                })
            }
            Err(fault) => refuse(self.fault, fault),
        }
    }
}

struct ReadComponent<'a> {
    to: Visit<'a>,
    identity: Identity,
    start: usize,
}

impl<'de> ParameterVisitor<'de> for ReadComponent<'_> {
    type Out = ();
    type Error = Refused;

    fn parameter(
        &mut self,
        key: &'de KeyRef,
        value: BareItemFromInput<'de>,
    ) -> Result<(), Refused> {
        let text = match &value {
            BareItemFromInput::Boolean(true) => None,
            BareItemFromInput::String(text) => Some(text.as_str()),
            _ => {
                let fault = Fault::BadComponent(self.identity.shown().into());
                return refuse(self.to.fault, fault);
            }
        };
        if let Err(fault) = self.identity.parameter(key.as_str(), text) {
            return refuse(self.to.fault, fault);
        }
        put_parameter(&mut self.to.input.text, key, &value);
        Ok(())
    }

    fn finish(self) -> Result<(), Refused> {
        let identity = match self.identity.checked() {
            Ok(identity) => identity,
            Err(fault) => return refuse(self.to.fault, fault),
        };
        let input = self.to.input;
        if input.covered.iter().any(|it| it.identity == identity) {
            return refuse(self.to.fault, Fault::Duplicate("a component"));
        }
        let span = self.start..input.text.len();
        input.covered.push(Covered { identity, span });
        Ok(())
    }
}

struct ReadParameters<'a, 'de> {
    to: Visit<'a>,
    seen: Vec<&'de KeyRef>,
}

impl<'de> ParameterVisitor<'de> for ReadParameters<'_, 'de> {
    type Out = ();
    type Error = Refused;

    fn parameter(
        &mut self,
        key: &'de KeyRef,
        value: BareItemFromInput<'de>,
    ) -> Result<(), Refused> {
        if self.seen.contains(&key) {
            return refuse(self.to.fault, Fault::Duplicate("a parameter"));
        }
        if self.seen.len() == MAX_PARAMETERS {
            return refuse(self.to.fault, Fault::TooMuch("parameters"));
        }
        self.seen.push(key);
        put_parameter(&mut self.to.input.text, key, &value);
        match self.to.input.parameters.take(key.as_str(), &value) {
            Ok(()) => Ok(()),
            Err(fault) => refuse(self.to.fault, fault),
        }
    }

    fn finish(self) -> Result<(), Refused> {
        Ok(())
    }
}

impl Parameters {
    fn take(&mut self, key: &str, value: &BareItemFromInput<'_>) -> Result<(), Fault> {
        let time = || match value {
            BareItemFromInput::Integer(seconds) => u64::try_from(i64::from(*seconds))
                .map(Some)
                .map_err(|_| Fault::Malformed("a time")),
            _ => Err(Fault::Malformed("a time")),
        };
        let text = || match value {
            BareItemFromInput::String(text) => Ok(Some(text.as_str().into())),
            _ => Err(Fault::Malformed("a parameter")),
        };
        match key {
            "created" => self.created = time()?,
            "expires" => self.expires = time()?,
            "nonce" => self.nonce = text()?,
            "alg" => self.algorithm = text()?,
            "keyid" => self.key_id = text()?,
            "tag" => self.tag = text()?,
            // Others are covered by the signature and mean nothing here.
            _ => {}
        }
        Ok(())
    }
}

fn put_parameter(text: &mut String, key: &KeyRef, value: &BareItemFromInput<'_>) {
    text.push(';');
    text.push_str(key.as_str());
    match value {
        BareItemFromInput::Boolean(true) => {}
        BareItemFromInput::String(value) => {
            text.push('=');
            put_string(text, value.as_str());
        }
        BareItemFromInput::Integer(value) => {
            let _infallible = write!(text, "={value}");
        }
        other => {
            text.push('=');
            let item = sfv::ItemSerializer::new().bare_item(other).finish();
            text.push_str(&item);
        }
    }
}

/// A string of RFC 9651 section 4.1.6; the parser has seen to it that the characters are fit.
pub(super) fn put_string(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

/// A signature behind its label.
type Named = (Box<str>, Vec<u8>);

/// The values of `Signature` by label.
fn read_signatures(text: &[u8]) -> Result<Vec<Named>, Fault> {
    let (mut values, mut fault) = (Vec::with_capacity(1), None);
    let visitor = Values {
        values: &mut values,
        fault: &mut fault,
    };
    let parsed = Parser::new(text).parse_dictionary_with_visitor(visitor);
    or_malformed(parsed, fault, "Signature")?;
    for (_, value) in &values {
        let spelled = format!(":{}:", STANDARD.encode(value));
        if memchr::memmem::find(text, spelled.as_bytes()).is_none() {
            return Err(Fault::Malformed("the base64 of a signature"));
        }
    }
    Ok(values)
}

struct Values<'a> {
    values: &'a mut Vec<Named>,
    fault: &'a mut Option<Fault>,
}

struct Value<'a> {
    to: &'a mut Vec<u8>,
    fault: &'a mut Option<Fault>,
}

impl<'de> DictionaryVisitor<'de> for Values<'_> {
    type Out = ();
    type Error = Refused;

    fn entry(&mut self, label: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Refused> {
        let label = label.as_str();
        if self.values.iter().any(|(known, _)| **known == *label) {
            return refuse(self.fault, Fault::Duplicate("a label"));
        }
        if self.values.len() == MAX_SIGNATURES {
            return refuse(self.fault, Fault::TooMuch("signatures"));
        }
        let (_, to) = self.values.push_mut((label.into(), Vec::new()));
        Ok(Value {
            to,
            fault: self.fault,
        })
    }

    fn finish(self) -> Result<(), Refused> {
        Ok(())
    }
}

impl<'de> EntryVisitor<'de> for Value<'_> {
    type Error = Refused;

    fn item(self) -> Result<impl ItemVisitor<'de>, Refused> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Refused> {
        refuse::<Ignored>(self.fault, Fault::Malformed("Signature"))
    }
}

impl<'de> ItemVisitor<'de> for Value<'_> {
    type Out = ();
    type Error = Refused;

    fn bare_item(
        self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Refused> {
        let BareItemFromInput::ByteSequence(value) = item else {
            return refuse(self.fault, Fault::Malformed("Signature"));
        };
        *self.to = value;
        Ok(Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, signature: &str) -> Result<Vec<Labeled>, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_INPUT, input.parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        signatures(&headers)
    }

    #[test]
    fn text_is_as_it_was_signed_whatever_the_spaces() {
        let input =
            "a=( \"@method\"   \"date\";req );x;created=1; keyid=\"k\\\"\";n=1.50;b=:AA==:;t=*a";
        let read = read(input, "a=:AA==:");
        let read = read.unwrap().remove(0).input;
        assert_eq!(
            read.text,
            "(\"@method\" \"date\";req);x;created=1;keyid=\"k\\\"\";n=1.5;b=:AA==:;t=*a"
        );
        assert_eq!(read.id(&read.covered[1]), "\"date\";req");
        assert_eq!(read.parameters.created, Some(1));
        assert_eq!(read.parameters.key_id.as_deref(), Some("k\""));
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
            ("empty", "", "", "no signatures"),
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
                Ok(none) if none.is_empty() => "no signatures",
                Ok(_) => "accepted",
                Err(fault) => fault.code(),
            };
            assert_eq!(found, code, "{name}");
        }
    }
}
