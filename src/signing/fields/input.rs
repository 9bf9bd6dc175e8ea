//! `Signature-Input`: what each signature covers, and what it says of itself.

use super::{Draft, Input, MAX_COMPONENTS, MAX_PARAMETERS, MAX_SIGNATURES, Text};
use super::{Refused, or_malformed, put_string, refuse};
use crate::signing::Fault;
use crate::signing::component::{Component, Identity};
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};
use std::borrow::Cow;
use std::fmt::Write;

pub(super) fn read(text: &[u8]) -> Result<Vec<Input>, Fault> {
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
pub(in crate::signing) fn component(text: &str) -> Result<Component, Fault> {
    let (mut draft, mut fault) = (Draft::default(), None);
    let visitor = ReadItem {
        draft: &mut draft,
        fault: &mut fault,
    };
    let parsed = Parser::new(text).parse_item_with_visitor(visitor);
    or_malformed(parsed, fault, "a component")?;
    let covered = draft.covered.pop().ok_or(Fault::Malformed("a component"))?;
    Ok(Component {
        identity: covered.identity,
        id: Cow::Owned(draft.text),
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
        if self.inputs.iter().any(|input| input.label() == label) {
            return refuse(self.fault, Fault::Duplicate("a label"));
        }
        if self.inputs.len() == MAX_SIGNATURES {
            return refuse(self.fault, Fault::TooMuch("signatures"));
        }
        Ok(ReadEntry {
            label,
            draft: Draft::default(),
            inputs: self.inputs,
            fault: self.fault,
        })
    }

    fn finish(self) -> Result<(), Refused> {
        Ok(())
    }
}

struct ReadEntry<'a, 'de> {
    label: &'de str,
    draft: Draft,
    inputs: &'a mut Vec<Input>,
    fault: &'a mut Option<Fault>,
}

impl<'de> EntryVisitor<'de> for ReadEntry<'_, 'de> {
    type Error = Refused;

    fn item(self) -> Result<impl ItemVisitor<'de>, Refused> {
        refuse::<Ignored>(self.fault, Fault::Malformed("Signature-Input"))
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Refused> {
        Ok(self)
    }
}

impl<'de> InnerListVisitor<'de> for ReadEntry<'_, 'de> {
    type Error = Refused;

    fn item(&mut self) -> Result<impl ItemVisitor<'de>, Refused> {
        if self.draft.len() == MAX_COMPONENTS {
            return refuse(self.fault, Fault::TooMuch("components"));
        }
        self.draft.open();
        Ok(ReadItem {
            draft: &mut self.draft,
            fault: self.fault,
        })
    }

    fn finish(self) -> Result<impl ParameterVisitor<'de>, Refused> {
        let list = self.draft.close();
        let field = format!("{}={}", self.label, list.text());
        let input = self.inputs.push_mut(Input::new(self.label, field, list));
        Ok(ReadParameters {
            to: input,
            fault: self.fault,
            seen: Vec::with_capacity(4),
        })
    }
}

struct ReadItem<'a> {
    draft: &'a mut Draft,
    fault: &'a mut Option<Fault>,
}

impl<'de> ItemVisitor<'de> for ReadItem<'_> {
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
                let start = self.draft.text.len();
                put_string(&mut self.draft.text, name.as_str());
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
    to: ReadItem<'a>,
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
        put_parameter(&mut self.to.draft.text, key, &value);
        Ok(())
    }

    fn finish(self) -> Result<(), Refused> {
        let identity = match self.identity.checked() {
            Ok(identity) => identity,
            Err(fault) => return refuse(self.to.fault, fault),
        };
        if self.to.draft.has(&identity) {
            return refuse(self.to.fault, Fault::Duplicate("a component"));
        }
        let span = self.start..self.to.draft.text.len();
        self.to.draft.cover(identity, span);
        Ok(())
    }
}

struct ReadParameters<'a, 'de> {
    to: &'a mut Input,
    fault: &'a mut Option<Fault>,
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
            return refuse(self.fault, Fault::Duplicate("a parameter"));
        }
        if self.seen.len() == MAX_PARAMETERS {
            return refuse(self.fault, Fault::TooMuch("parameters"));
        }
        self.seen.push(key);
        put_parameter(&mut self.to.field, key, &value);
        match self.to.take(key.as_str(), &value) {
            Ok(()) => Ok(()),
            Err(fault) => refuse(self.fault, fault),
        }
    }

    fn finish(self) -> Result<(), Refused> {
        Ok(())
    }
}

impl Input {
    /// Takes a parameter that stands at the end of the field.
    fn take(&mut self, key: &str, value: &BareItemFromInput<'_>) -> Result<(), Fault> {
        let time = || match value {
            BareItemFromInput::Integer(seconds) => u64::try_from(i64::from(*seconds))
                .map(Some)
                .map_err(|_| Fault::Malformed("a time")),
            _ => Err(Fault::Malformed("a time")),
        };
        let text = || match value {
            BareItemFromInput::String(text) => Ok(Text::at_end_of(&self.field, text.as_str())),
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

impl Text {
    /// The string that was written last, of this value. Escapes stand in the field alone.
    fn at_end_of(field: &str, value: &str) -> Self {
        if value.contains(['"', '\\']) {
            return Self::Unescaped(value.into());
        }
        let end = field.len().saturating_sub(1);
        Self::Inside(end.saturating_sub(value.len())..end)
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
