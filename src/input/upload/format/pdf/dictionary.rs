//! What the dictionary of an object says of the stream behind it.

use crate::input::upload::Refusal;
use crate::input::upload::refusal::{active, malformed, opaque};

/// What the dictionary of a stream says of it.
#[derive(Debug)]
pub(super) struct Stream {
    /// `None` when the length stands elsewhere.
    pub(super) length: Option<u64>,
    pub(super) objects: Option<PackedObjects>,
}

/// Objects in a stream (ISO 32000-2 section 7.5.7).
#[derive(Clone, Copy, Debug)]
pub(super) struct PackedObjects {
    pub(super) is_deflated: bool,
    /// How many there are, and where what they are told to be at begins.
    pub(super) count: u64,
    pub(super) first: u64,
}

/// The value of a key that has to be one number.
#[derive(Clone, Copy, Debug, Default)]
enum Number {
    #[default]
    Absent,
    Direct(u64),
    /// It stands in another object.
    Elsewhere,
    Wrong,
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Length,
    Count,
    First,
}

/// What was seen at the top of the dictionary of the object at hand.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// The key whose numbers come, and those that came.
    open: Option<(Key, Vec<u64>)>,
    length: Number,
    count: Number,
    first: Number,
    holds_objects: bool,
    deflations: u32,
    has_other_filter: bool,
    /// How often the content is said to be filtered; whether that comes next.
    filters: u32,
    awaits_filter: bool,
    stands_outside: bool,
}

impl Dictionary {
    pub(super) fn name(&mut self, name: &[u8], depth: u32) {
        self.end_value(false);
        self.awaits_filter = false;
        if depth == 1 {
            self.key(name);
        }
        match name {
            // Only streams of objects have these; without `First` no reader finds anything.
            b"ObjStm" => self.holds_objects = true,
            b"FlateDecode" | b"Fl" => self.deflations += 1,
            b"Predictor" | b"Crypt" => self.has_other_filter = true,
            other if other.ends_with(b"Decode") => self.has_other_filter = true,
            b"AHx" | b"A85" | b"LZW" | b"RL" | b"CCF" | b"DCT" => self.has_other_filter = true,
            _ => {}
        }
    }

    fn key(&mut self, name: &[u8]) {
        match name {
            b"Length" => self.open = Some((Key::Length, Vec::new())),
            b"N" => self.open = Some((Key::Count, Vec::new())),
            b"First" => {
                self.holds_objects = true;
                self.open = Some((Key::First, Vec::new()));
            }
            b"Filter" => {
                self.filters += 1;
                self.awaits_filter = true;
            }
            b"DecodeParms" | b"DP" => self.awaits_filter = true,
            b"F" => self.stands_outside = true,
            _ => {}
        }
    }

    pub(super) fn number(&mut self, number: u64) {
        // A filter that stands in another object may be any.
        self.has_other_filter |= self.awaits_filter;
        if let Some((_, numbers)) = &mut self.open {
            // A number, or a reference of two and an `R`.
            if numbers.len() < 3 {
                numbers.push(number);
            }
        }
    }

    /// An `R` came.
    pub(super) fn reference(&mut self, depth: u32) {
        self.has_other_filter |= depth > 1;
        self.end_value(true);
    }

    /// The value at hand is over; whether it was a reference.
    pub(super) fn end_value(&mut self, is_reference: bool) {
        let Some((key, numbers)) = self.open.take() else {
            return;
        };
        let number = match (&*numbers, is_reference) {
            ([number], false) => Number::Direct(*number),
            ([_, _], true) => Number::Elsewhere,
            _ => Number::Wrong,
        };
        let place = match key {
            Key::Length => &mut self.length,
            Key::Count => &mut self.count,
            Key::First => &mut self.first,
        };
        // Of two, some readers take the first and some the last.
        *place = match place {
            Number::Absent => number,
            _ => Number::Wrong,
        };
    }

    pub(super) fn stream(&self) -> Result<Stream, Refusal> {
        if self.stands_outside {
            return Err(active("PDF with content that stands in another file"));
        }
        let length = match self.length {
            Number::Direct(length) => Some(length),
            Number::Absent | Number::Elsewhere => None,
            Number::Wrong => return Err(malformed("a stream with a length that is none")),
        };
        let objects = match self.holds_objects {
            true => Some(self.objects(length)?),
            false => None,
        };
        Ok(Stream { length, objects })
    }

    fn objects(&self, length: Option<u64>) -> Result<PackedObjects, Refusal> {
        let is_deflated = self.deflations == 1;
        // Deflated content tells itself where it ends.
        let is_known = is_deflated || length.is_some();
        if self.has_other_filter || self.deflations > 1 || self.filters > 1 || !is_known {
            return Err(opaque("objects packed in a way that cannot be looked into"));
        }
        let direct = |number| match number {
            Number::Absent => Ok(0),
            Number::Direct(number) => Ok(number),
            Number::Elsewhere | Number::Wrong => {
                Err(opaque("packed objects of which nobody says where they are"))
            }
        };
        Ok(PackedObjects {
            is_deflated,
            count: direct(self.count)?,
            first: direct(self.first)?,
        })
    }
}
