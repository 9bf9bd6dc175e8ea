//! Where the objects of an object stream begin (ISO 32000-2 section 7.5.7).
//!
//! The stream says so itself, by numbers at its start. One that points into a string or a
//! comment would have a reader find there what was passed over.

use super::dictionary::PackedObjects;
use crate::input::upload::Refusal;
use crate::input::upload::refusal::malformed;

/// The most objects in a stream. Programs pack 100 to 200.
const MAX_OBJECTS: u64 = 100_000;

#[derive(Debug)]
pub(super) struct Places {
    position: u64,
    first: u64,
    /// How many numbers of the table are still to come.
    awaited: u64,
    numbers: u64,
    /// Where objects begin, the next one last.
    places: Vec<u64>,
}

impl Places {
    pub(super) fn new(objects: PackedObjects) -> Result<Self, Refusal> {
        if objects.count > MAX_OBJECTS {
            return Err(malformed("more packed objects than there can be"));
        }
        Ok(Self {
            position: 0,
            first: objects.first,
            awaited: objects.count * 2,
            numbers: 0,
            places: Vec::new(),
        })
    }

    /// Whether the table is not over.
    pub(super) const fn awaits_number(&self) -> bool {
        self.awaited > 0
    }

    /// The next number of the table; `None` for what is none.
    pub(super) fn number(&mut self, number: Option<u64>) -> Result<(), Refusal> {
        let number = number.ok_or_else(|| malformed("packed objects without a table"))?;
        self.awaited -= 1;
        self.numbers += 1;
        // The number of the object, and its place.
        if self.numbers.is_multiple_of(2) {
            self.places.push(self.first.saturating_add(number));
        }
        if self.awaited == 0 {
            self.places.sort_unstable_by(|one, other| other.cmp(one));
            self.places.dedup();
            if self
                .places
                .last()
                .is_some_and(|place| *place < self.position)
            {
                return Err(malformed("a packed object within the table of them"));
            }
        }
        Ok(())
    }

    /// Goes on by a byte. `is_between` says whether it begins a word or stands between words.
    pub(super) fn pass(&mut self, is_between: bool) -> Result<(), Refusal> {
        if !self.awaits_number() && self.places.last() == Some(&self.position) {
            self.places.pop();
            if !is_between {
                return Err(malformed("a packed object that begins within another"));
            }
        }
        self.position += 1;
        Ok(())
    }
}
