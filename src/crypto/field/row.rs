use super::format::{SIZE_LENGTH, append_sized};

/// The row that a value belongs to: its primary key. A value opens in this row alone.
///
/// Made from an integer, from the 16 bytes of a UUID, or from text. The three never mean the
/// same row: `1` is not `"1"`.
///
/// A row whose id the database assigns has none before it is inserted. Give it one yourself (a
/// UUID), or insert it first and set the sealed value in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowId<'a>(Id<'a>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Id<'a> {
    Unbound,
    Integer(i64),
    Uuid([u8; 16]),
    Text(&'a str),
}

impl RowId<'_> {
    /// No row: the value opens in every row of its column, so whoever can write to the table
    /// can put one row's value into another and have it accepted.
    #[must_use]
    pub const fn dangerous_unbound() -> Self {
        Self(Id::Unbound)
    }

    /// Appends the length, a byte for the kind, and the id.
    #[inline]
    pub(super) fn append_to(&self, output: &mut Vec<u8>) {
        match self.0 {
            Id::Unbound => append_sized(output, &[&[0]]),
            Id::Integer(id) => {
                // In one piece: nearly all rows are such.
                let [a, b, c, d, e, f, g, h] = id.to_be_bytes();
                output.extend_from_slice(&[0, 0, 0, 9, 1, a, b, c, d, e, f, g, h]);
            }
            Id::Uuid(id) => append_sized(output, &[&[2], &id]),
            Id::Text(id) => append_sized(output, &[&[3], id.as_bytes()]),
        }
    }

    /// How many bytes [`append_to`](Self::append_to) appends.
    pub(super) const fn encoded_length(&self) -> usize {
        let id = match self.0 {
            Id::Unbound => 0,
            Id::Integer(_) => 8,
            Id::Uuid(_) => 16,
            Id::Text(id) => id.len(),
        };
        SIZE_LENGTH + 1 + id
    }
}

impl From<i64> for RowId<'_> {
    fn from(id: i64) -> Self {
        Self(Id::Integer(id))
    }
}

impl From<i32> for RowId<'_> {
    fn from(id: i32) -> Self {
        Self(Id::Integer(id.into()))
    }
}

impl From<u32> for RowId<'_> {
    fn from(id: u32) -> Self {
        Self(Id::Integer(id.into()))
    }
}

/// The bytes of a UUID, as `uuid::Uuid::into_bytes` gives them.
impl From<[u8; 16]> for RowId<'_> {
    fn from(id: [u8; 16]) -> Self {
        Self(Id::Uuid(id))
    }
}

impl<'a> From<&'a str> for RowId<'a> {
    fn from(id: &'a str) -> Self {
        Self(Id::Text(id))
    }
}

impl<'a> From<&'a String> for RowId<'a> {
    fn from(id: &'a String) -> Self {
        Self(Id::Text(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_rows_are_encoded_alike() {
        let rows = [
            RowId::dangerous_unbound(),
            RowId::from(0),
            RowId::from(1),
            RowId::from(-1),
            RowId::from(i64::MAX),
            RowId::from([0; 16]),
            RowId::from("1"),
            RowId::from(""),
            RowId::from("\0"),
            RowId::from("\0\0\0\0\0\0\0\0"),
            RowId::from("0000000000000000"),
        ];
        let encoded: HashSet<_> = rows
            .iter()
            .map(|row| {
                let mut bytes = Vec::new();
                row.append_to(&mut bytes);
                assert_eq!(bytes.len(), row.encoded_length(), "{row:?}");
                bytes
            })
            .collect();
        assert_eq!(encoded.len(), rows.len());
        assert_eq!(RowId::from(7_i64), RowId::from(7_u32));
        assert_eq!(RowId::from(7_i64), RowId::from(7_i32));
    }
}
