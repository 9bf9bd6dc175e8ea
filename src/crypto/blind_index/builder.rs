use super::{BlindIndex, IndexError, IndexKey, Normalizer, Plan};
use crate::crypto::Stretch;

/// The longest name of a table, a column or an index, in bytes.
const MAX_NAME_LEN: usize = 128;

/// A column that an index is over.
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) name: String,
    pub(super) normalizer: Normalizer,
    values: u64,
}

impl Column {
    /// A column whose values are normalized so, and of which there are so many different ones.
    ///
    /// There is no default for the number: a term of a column with few values is as good as the
    /// value, and nobody but you knows how many there are. Where a [cut](Normalizer::last)
    /// leaves fewer, it is those that count.
    #[must_use]
    pub fn new(name: &str, normalizer: Normalizer, distinct: Distinct) -> Self {
        let values = match distinct {
            Distinct::PerRow => u64::MAX,
            Distinct::Values(values) => values,
        };
        Self {
            name: name.to_owned(),
            values: normalizer.values().min(values),
            normalizer,
        }
    }
}

/// How many different values a column has, in their normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distinct {
    /// Nearly each row has one of its own, and nobody can list them: an e-mail address, an
    /// account number.
    PerRow,
    /// At least so many, all about equally frequent: of a day of birth some 30 000, of a
    /// postcode as many as the country has, of a status three. Where some are much more
    /// frequent (names), count those alone.
    Values(u64),
}

/// An index that is being described.
#[derive(Clone, Debug)]
#[must_use = "an index is there once it is built"]
pub struct IndexBuilder<const N: usize> {
    key: IndexKey,
    table: String,
    name: String,
    columns: [Column; N],
    version: u8,
    plan: Option<Plan>,
    slow: Option<Stretch>,
}

impl<const N: usize> IndexBuilder<N> {
    pub(super) fn new(key: IndexKey, table: &str, name: &str, columns: [Column; N]) -> Self {
        Self {
            key,
            table: table.to_owned(),
            name: name.to_owned(),
            columns,
            version: 1,
            plan: None,
            slow: None,
        }
    }

    /// How many rows it is for, which says how many bits it keeps. There is no default.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// Which version it is: 1 unless told. Terms of two versions never match; see
    /// [`IndexSet`](super::IndexSet) for how to go from one to the next.
    pub fn version(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    /// Makes each term cost an Argon2id, so that who stole the index key needs long to try a
    /// list of all values. It allows columns of few values.
    ///
    /// **It costs you as much**: with [`Stretch::OWASP`] 10 to 20 ms of a core and 19 MiB for
    /// each row written and each value looked up. Compute terms on a thread that may block, and
    /// bound how many run at once. It does nothing against who counts how often a term occurs.
    pub fn slow(mut self, stretch: Stretch) -> Self {
        self.slow = Some(stretch);
        self
    }

    /// The index.
    ///
    /// # Errors
    /// When it would not protect what it is over, or is not fully described.
    pub fn build(self) -> Result<BlindIndex<N>, IndexError> {
        self.check_names()?;
        let Some(plan) = self.plan else {
            return Err(IndexError::NoPlan(self.name));
        };
        let values = self.columns.iter().map(|column| column.values);
        let values = values.fold(1, u64::saturating_mul);
        let shape = match plan.shape(values, self.slow.is_some()) {
            Ok(shape) => shape,
            Err(reason) => {
                let index = self.name;
                return Err(IndexError::Plan { index, reason });
            }
        };
        let derive = |purpose| {
            let columns = self.columns.iter().map(|column| column.name.as_str());
            let names = [self.table.as_str(), self.name.as_str()];
            let names = names.into_iter().chain(columns);
            self.key.derive(purpose, self.version, names)
        };
        let slow = self
            .slow
            .map(|stretch| (stretch, derive("portcullis/v1/slow-index")));
        let key = derive("portcullis/v1/index");
        let columns = self.columns.map(|column| column.normalizer);
        Ok(BlindIndex::new(
            self.table,
            self.name,
            self.version,
            &key,
            columns,
            shape,
            slow,
        ))
    }

    fn check_names(&self) -> Result<(), IndexError> {
        let check = |what, name: &str| {
            if name.is_empty() || name.len() > MAX_NAME_LEN {
                return Err(IndexError::Name(what));
            }
            Ok(())
        };
        check("table", &self.table)?;
        check("index", &self.name)?;
        let mut rest = &self.columns[..];
        if rest.is_empty() {
            return Err(IndexError::NoColumn(self.name.clone()));
        }
        while let [column, others @ ..] = rest {
            check("column", &column.name)?;
            if others.iter().any(|other| other.name == column.name) {
                return Err(IndexError::DuplicateColumn {
                    index: self.name.clone(),
                    column: column.name.clone(),
                });
            }
            rest = others;
        }
        Ok(())
    }
}
