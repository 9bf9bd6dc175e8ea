//! `Signature-Input`: what each signature covers, and what it says of itself.

use super::{Covered, Input, MAX_COMPONENTS, MAX_PARAMETERS, MAX_SIGNATURES};
use super::{Refused, or_malformed, put_string, refuse};
use crate::signing::component::{Component, Identity};
use crate::signing::{Fault, Parameters};
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
