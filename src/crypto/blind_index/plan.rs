use std::fmt;
use thiserror::Error;

/// Bits of a whole HMAC-SHA-256.
const ALL_BITS: u16 = 256;

/// Fewer values than this are a list that anybody can make, and match by frequency.
const FEW_VALUES: u64 = 1 << 16;

/// Fewer values than this cannot share terms and still be told apart by anything.
const MIN_VALUES: u64 = 4;

/// How many rows an index is for, from which follows how many bits it keeps.
///
/// With R rows, of which so many have values of their own, and b bits, a term is shared by
/// R / 2^b rows. At least 2, so that a term points at nobody; at most the square root of R, so
/// that a search does not read half the table. (The rule of CipherSweet's planner.) Unless told
/// otherwise the plan takes the most bits, which find the fewest rows in vain.
///
/// Plan for the rows that there will be soon: in a table that is still small, terms are shared
/// by fewer.
///
/// ```
/// use portcullis::crypto::blind_index::Plan;
///
/// let shape = Plan::for_rows(1_000_000).shape(u64::MAX, false)?;
/// assert_eq!(shape.to_string(), "18 bits, a search finds 3.8 other rows");
///
/// let too_many = Plan::for_rows(1_000_000).bits(24).shape(u64::MAX, false);
/// assert_eq!(
///     too_many.unwrap_err().to_string(),
///     "24 bits tell the rows apart; use 10 to 18"
/// );
/// # Ok::<(), portcullis::crypto::blind_index::PlanError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    rows: u64,
    bits: Option<u16>,
    beside: u16,
    is_exact: bool,
}

impl Plan {
    /// For so many rows.
    #[must_use]
    pub const fn for_rows(rows: u64) -> Self {
        Self {
            rows,
            bits: None,
            beside: 0,
            is_exact: false,
        }
    }

    /// Keeps so many bits, if that is within the bounds: fewer make rows harder to tell apart,
    /// and searches dearer.
    #[must_use]
    pub const fn bits(mut self, bits: u16) -> Self {
        self.bits = Some(bits);
        self
    }

    /// Other indexes over the same column keep so many bits in all. Their terms stand in the
    /// same row, so together they tell as much as one index with all those bits.
    #[must_use]
    pub const fn beside(mut self, bits: u16) -> Self {
        self.beside = bits;
        self
    }

    /// Keeps all 256 bits: **whoever reads the database sees which rows have equal values**,
    /// and how often each value occurs. For a column that has to be `UNIQUE`, where every value
    /// occurs once.
    #[must_use]
    pub const fn insecure_exact() -> Self {
        Self {
            is_exact: true,
            ..Self::for_rows(0)
        }
    }

    /// Works the plan out for a column (or a tuple of columns) of so many different values,
    /// whose terms are slow to compute or not.
    ///
    /// # Errors
    /// When there is no such index that protects.
    pub fn shape(self, values: u64, is_slow: bool) -> Result<Shape, PlanError> {
        if values < MIN_VALUES || (!is_slow && values < self.least_values()) {
            let needed = self.least_values();
            return Err(PlanError::FewValues { values, needed });
        }
        if self.is_exact {
            return Ok(Shape {
                bits: ALL_BITS,
                false_positives: 0.0,
            });
        }
        let Some((fewest, most)) = self.range(values) else {
            return Err(PlanError::FewRows(self.rows));
        };
        let most = most.saturating_sub(self.beside);
        let bits = self.bits.unwrap_or(most);
        if most == 0 {
            return Err(PlanError::NothingLeft(self.beside));
        }
        // With other indexes beside there may be no choice but a dear one.
        let fewest = fewest.min(most);
        if bits > most {
            return Err(PlanError::TooManyBits { bits, fewest, most });
        }
        if bits < fewest {
            return Err(PlanError::TooFewBits { bits, fewest, most });
        }
        Ok(Shape {
            bits,
            false_positives: self.rows as f64 / f64::from(bits).exp2(),
        })
    }

    fn least_values(self) -> u64 {
        FEW_VALUES.max(self.rows.isqrt())
    }

    /// The fewest and the most bits, or `None` when there are too few rows for any.
    fn range(self, values: u64) -> Option<(u16, u16)> {
        // Two rows and two values to a term, at least.
        let most = (self.rows.min(values) / 2).checked_ilog2()?;
        // 2^(2 b) is at least the number of rows.
        let fewest = self.rows.checked_next_power_of_two().map_or(64, u64::ilog2);
        let fewest = fewest.div_ceil(2).min(most);
        let bits = |bits| u16::try_from(bits).unwrap_or(ALL_BITS);
        (most > 0).then(|| (bits(fewest), bits(most)))
    }
}

/// A plan worked out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    bits: u16,
    false_positives: f64,
}

impl Shape {
    /// Bits of the HMAC that a term keeps.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.bits
    }

    /// Rows that a search finds beside those it looks for, when the table has all its rows.
    #[must_use]
    pub const fn false_positives(self) -> f64 {
        self.false_positives
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bits,
            false_positives,
        } = self;
        write!(
            f,
            "{bits} bits, a search finds {false_positives:.1} other rows"
        )
    }
}

/// Why there is no index for a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The column has so few values that terms tell them, by frequency or by trying all.
    #[error(
        "there are only {values} different values and {needed} are needed; index them together with another column, or slowly"
    )]
    FewValues {
        /// Different values.
        values: u64,
        /// As many as there have to be.
        needed: u64,
    },
    /// In so small a table every index tells the rows apart.
    #[error("{0} rows are too few for any index; plan for the rows that there will be")]
    FewRows(u64),
    /// The other indexes over the column have taken all the bits.
    #[error("the other indexes over the column keep {0} bits, which leaves none; use fewer there")]
    NothingLeft(u16),
    /// Terms would tell the rows apart.
    #[error("{bits} bits tell the rows apart; use {fewest} to {most}")]
    TooManyBits {
        /// The bits asked for.
        bits: u16,
        /// The fewest.
        fewest: u16,
        /// The most.
        most: u16,
    },
    /// Searches would read much of the table.
    #[error("with {bits} bits a search reads too many rows; use {fewest} to {most}")]
    TooFewBits {
        /// The bits asked for.
        bits: u16,
        /// The fewest.
        fewest: u16,
        /// The most.
        most: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MANY: u64 = u64::MAX;

    #[test]
    fn bits_follow_from_rows_and_values() {
        for (name, rows, values, expected) in [
            ("four rows", 4, MANY, Ok(1)),
            ("a thousand", 1_000, MANY, Ok(8)),
            ("a million", 1_000_000, MANY, Ok(18)),
            ("a million, twenty values each", 1_000_000, 1 << 16, Ok(15)),
            ("a billion", 1_000_000_000, MANY, Ok(28)),
            ("as many as there can be", u64::MAX, MANY, Ok(62)),
            ("three rows", 3, MANY, Err(PlanError::FewRows(3))),
            ("no rows", 0, MANY, Err(PlanError::FewRows(0))),
        ] {
            let bits = Plan::for_rows(rows).shape(values, false).map(Shape::bits);
            assert_eq!(bits, expected, "{name}");
        }
    }

    #[test]
    fn few_values_are_refused_unless_slow() {
        let plan = Plan::for_rows(1_000_000);
        for (name, values, is_slow, is_ok) in [
            ("a boolean", 2, false, false),
            ("a boolean, slowly", 2, true, false),
            ("four digits", 10_000, false, false),
            ("four digits, slowly", 10_000, true, true),
            ("postcodes of a country", 41_000, false, false),
            ("enough", 1 << 16, false, true),
        ] {
            assert_eq!(plan.shape(values, is_slow).is_ok(), is_ok, "{name}");
        }
        let exact = Plan::insecure_exact();
        assert!(exact.shape(41_000, false).is_err(), "exact all the more");
        assert_eq!(exact.shape(MANY, false).map(Shape::bits), Ok(256));
        let large = Plan::for_rows(1 << 40).shape(1 << 19, false);
        let (values, needed) = (1 << 19, 1 << 20);
        assert_eq!(large, Err(PlanError::FewValues { values, needed }));
    }

    #[test]
    fn other_indexes_count() {
        let plan = Plan::for_rows(1_000_000);
        let bits = |plan: Plan| plan.shape(MANY, false).map(Shape::bits);
        assert_eq!(bits(plan.beside(6)), Ok(12));
        assert_eq!(bits(plan.beside(15)), Ok(3), "dear, but that is all");
        assert_eq!(bits(plan.beside(18)), Err(PlanError::NothingLeft(18)));
        let (fewest, most) = (10, 12);
        assert_eq!(
            bits(plan.beside(6).bits(18)),
            Err(PlanError::TooManyBits {
                bits: 18,
                fewest,
                most
            })
        );
        assert_eq!(
            bits(plan.bits(9)),
            Err(PlanError::TooFewBits {
                bits: 9,
                fewest,
                most: 18
            })
        );
        assert_eq!(bits(plan.bits(10)), Ok(10));
    }

    proptest! {
        #[test]
        fn two_share_a_term_and_no_more_than_the_root(rows in 4u64.., values in (1u64 << 16)..) {
            if let Ok(shape) = Plan::for_rows(rows).shape(values, false) {
                let terms = f64::from(shape.bits()).exp2();
                prop_assert!(rows as f64 / terms >= 2.0);
                prop_assert!(values as f64 / terms >= 2.0);
                // Twice the root: bits are whole, and two to a term comes first.
                prop_assert!(rows as f64 / terms <= 2.0 * (rows as f64).sqrt() + 2.0);
            }
        }
    }
}
