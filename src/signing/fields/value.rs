//! `Signature`: the bytes of each signature.

use super::{MAX_SIGNATURES, Refused, or_malformed, refuse};
use crate::signing::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};

/// A signature behind its label.
pub(super) type Named = (Box<str>, Vec<u8>);

/// The values of `Signature` by label.
pub(super) fn read(text: &[u8]) -> Result<Vec<Named>, Fault> {
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
