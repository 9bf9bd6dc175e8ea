use super::checkpoint::{Checkpoint, Checkpoints};
use super::work::{Mode, Outcome, Work};
use super::{
    Census, ColumnCensus, ColumnReport, Counts, EncryptedColumn, Problem, Progress, Registry,
    Replacement, Report, RotationError, RowKey, StoredRow, Table,
};
use crate::store::Records;
use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How often a page is read again for the rows that others changed while it was worked on.
const MAX_ATTEMPTS: usize = 5;

type Tell<'a> = dyn Fn(Progress<'_>) + Send + Sync + 'a;

/// Goes through all encrypted columns of a database. See [the module](super).
pub struct Rotation<'a, T> {
    registry: &'a Registry,
    table: &'a T,
    page_rows: usize,
    rows_per_second: Option<NonZeroU32>,
    checkpoints: Option<Checkpoints>,
    on_progress: Option<Box<Tell<'a>>>,
}

impl<'a, T: Table> Rotation<'a, T> {
    /// Rows of a page, unless told otherwise.
    pub const PAGE_ROWS: usize = 500;

    /// Through these columns, by pages of 500 rows, as fast as the table allows.
    #[must_use]
    pub fn new(registry: &'a Registry, table: &'a T) -> Self {
        Self {
            registry,
            table,
            page_rows: Self::PAGE_ROWS,
            rows_per_second: None,
            checkpoints: None,
            on_progress: None,
        }
    }

    /// Sets how many rows are read, and written, at once. At least one.
    #[must_use]
    pub fn page_rows(mut self, rows: usize) -> Self {
        self.page_rows = rows.max(1);
        self
    }

    /// Reads no more rows in a second than this, so that the service keeps its database. It
    /// needs a tokio runtime with time.
    #[must_use]
    pub const fn rows_per_second(mut self, rows: NonZeroU32) -> Self {
        self.rows_per_second = Some(rows);
        self
    }

    /// Keeps checkpoints in these records: a [`rewrap`](Self::rewrap) that was killed goes on
    /// where it was, and two at once are noticed.
    ///
    /// `database` names the database that the table is in. Where several databases keep their
    /// checkpoints in the same records (shards, or one for each tenant) each has a name of its
    /// own: with that of another, rows would be passed over that nobody has sealed again.
    /// After a restore from a backup the records have to be those of the backup, or none.
    #[must_use]
    pub fn checkpoints(mut self, records: Records, database: &str) -> Self {
        self.checkpoints = Some(Checkpoints::new(records, database));
        self
    }

    /// Tells how far it is, after each page.
    #[must_use]
    pub fn on_progress(mut self, tell: impl Fn(Progress<'_>) + Send + Sync + 'a) -> Self {
        self.on_progress = Some(Box::new(tell));
        self
    }

    /// Seals again whatever is not sealed as values are sealed now: what another key sealed,
    /// or was sealed without the commitment or the padding that is configured.
    ///
    /// # Errors
    /// When the table or the checkpoint fails, another rotation runs, or the primary key
    /// changes. Values that cannot be opened are no error: they are in the report.
    pub async fn rewrap(&self) -> Result<Report, RotationError> {
        self.run(Mode::Rewrap).await
    }

    /// Does all that a [`rewrap`](Self::rewrap) from the beginning does, but writes nothing.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn dry_run(&self) -> Result<Report, RotationError> {
        self.run(Mode::DryRun).await
    }

    /// Opens every value, those of the primary key too, and writes nothing.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn verify(&self) -> Result<Report, RotationError> {
        self.run(Mode::Verify).await
    }

    /// Counts the values of each key, and opens none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn census(&self) -> Result<Census, RotationError> {
        let mut columns = Vec::new();
        for column in self.registry.columns() {
            let mut census = ColumnCensus::of(column);
            let mut pages = self.pages(column, None);
            while let Some(rows) = pages.next().await? {
                rows.iter().for_each(|row| census.count(row.value()));
            }
            columns.push(census);
        }
        Ok(Census::new(columns))
    }

    async fn run(&self, mode: Mode) -> Result<Report, RotationError> {
        let mut columns = Vec::new();
        for column in self.registry.columns() {
            columns.push(self.run_column(column, mode).await?);
        }
        Ok(Report { columns })
    }

    async fn run_column(
        &self,
        column: &EncryptedColumn,
        mode: Mode,
    ) -> Result<ColumnReport, RotationError> {
        let primary = || column.cipher().keyring().current().primary().id();
        let records = self.checkpoints.as_ref().filter(|_| mode == Mode::Rewrap);
        let key = primary();
        let mut checkpoint = Checkpoint::load(records, column).await?;
        let mut report = ColumnReport::of(column, checkpoint.counts);
        let mut work = Work::on(column, mode);
        let mut pages = self.pages(column, checkpoint.after.take());
        loop {
            let before = pages.after.clone();
            let Some(rows) = pages.next().await? else {
                break;
            };
            self.run_page(&mut work, before, rows, &mut report).await?;
            if primary() != key {
                return Err(RotationError::PrimaryChanged);
            }
            self.tell(&report);
            checkpoint.counts = report.counts;
            if let Some(last) = pages.after.clone() {
                checkpoint.advance(last).await?;
            }
        }
        checkpoint.finish().await?;
        Ok(report)
    }

    /// Works on a page that comes after this row, and again on those rows of it that others
    /// changed meanwhile.
    async fn run_page(
        &self,
        work: &mut Work<'_>,
        before: Option<RowKey>,
        mut rows: Vec<StoredRow>,
        report: &mut ColumnReport,
    ) -> Result<(), RotationError> {
        report.counts.rows += rows.len() as u64;
        for _ in 0..MAX_ATTEMPTS {
            let (changes, is_new) = sort(work, rows, report);
            let lost = self
                .write(work, changes, &is_new, &mut report.counts)
                .await?;
            if lost.is_empty() {
                return Ok(());
            }
            let (column, limit) = (work.column(), self.page_rows);
            let page = self.table.page(column, before.as_ref(), limit).await;
            rows = page.map_err(RotationError::table)?;
            // Of those that are gone or have moved there is nothing to do.
            rows.retain(|row| lost.contains(row.key()));
            report.counts.contended += lost.len() as u64 - rows.len() as u64;
            if rows.is_empty() {
                return Ok(());
            }
        }
        report.counts.contended += rows.len() as u64;
        Ok(())
    }

    /// Writes changes, counts them, and gives the rows that were not what was expected.
    async fn write(
        &self,
        work: &Work<'_>,
        changes: Vec<Replacement>,
        is_new: &[bool],
        counts: &mut Counts,
    ) -> Result<BTreeSet<RowKey>, RotationError> {
        let answers = if changes.is_empty() || work.mode() != Mode::Rewrap {
            vec![true; changes.len()]
        } else {
            let answers = self.table.replace(work.column(), &changes).await;
            answers.map_err(RotationError::table)?
        };
        if answers.len() != changes.len() {
            return Err(RotationError::Answers {
                changes: changes.len(),
                answers: answers.len(),
            });
        }
        let mut lost = BTreeSet::new();
        for ((change, is_new), is_made) in changes.into_iter().zip(is_new).zip(answers) {
            match (is_made, is_new) {
                (true, true) => counts.sealed += 1,
                (true, false) => counts.resealed += 1,
                (false, _) => {
                    lost.insert(change.key().clone());
                }
            }
        }
        Ok(lost)
    }

    fn tell(&self, report: &ColumnReport) {
        if let Some(tell) = &self.on_progress {
            tell(Progress {
                namespace: &report.namespace,
                table: &report.table,
                column: &report.column,
                purpose: report.purpose.as_deref(),
                counts: report.counts,
            });
        }
    }

    fn pages<'b>(&'b self, column: &'b EncryptedColumn, after: Option<RowKey>) -> Pages<'b, 'a, T> {
        Pages {
            rotation: self,
            column,
            after,
            not_before: None,
        }
    }
}

/// Does what is to be done with each row: what is to be written, and of each whether it was
/// plaintext.
fn sort(
    work: &mut Work<'_>,
    rows: Vec<StoredRow>,
    report: &mut ColumnReport,
) -> (Vec<Replacement>, Vec<bool>) {
    let mut changes = Vec::with_capacity(rows.len());
    let mut is_new = Vec::with_capacity(rows.len());
    for row in rows {
        match work.on_row(&row) {
            Outcome::Null => report.counts.null += 1,
            Outcome::Current => report.counts.current += 1,
            Outcome::Reseal(value) => {
                changes.push(Replacement::new(row, value));
                is_new.push(false);
            }
            Outcome::Seal(value) => {
                changes.push(Replacement::new(row, value));
                is_new.push(true);
            }
            Outcome::Problem { key, reason } => report.note(Problem {
                row: row.key().clone(),
                key,
                reason,
            }),
        }
    }
    (changes, is_new)
}

/// The pages of one column, one after the other.
struct Pages<'b, 'a, T> {
    rotation: &'b Rotation<'a, T>,
    column: &'b EncryptedColumn,
    /// The last row of the last page.
    after: Option<RowKey>,
    not_before: Option<Instant>,
}

impl<T: Table> Pages<'_, '_, T> {
    /// The next page; `None` after the last.
    async fn next(&mut self) -> Result<Option<Vec<StoredRow>>, RotationError> {
        let rotation = self.rotation;
        if let Some(moment) = self.not_before {
            sleep_until(moment).await;
        }
        let page = rotation
            .table
            .page(self.column, self.after.as_ref(), rotation.page_rows);
        let rows = page.await.map_err(RotationError::table)?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let is_rising = rows
            .iter()
            .map(|row| Some(row.key()))
            .try_fold(self.after.as_ref(), |before, key| {
                (before < key).then_some(key)
            });
        if is_rising.is_none() || rows.len() > rotation.page_rows {
            return Err(RotationError::PageOrder);
        }
        self.not_before = rotation.rows_per_second.map(|rate| {
            Instant::now() + Duration::from_secs(1).saturating_mul(to_u32(rows.len())) / rate.get()
        });
        self.after = Some(last.key().clone());
        Ok(Some(rows))
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<T> fmt::Debug for Rotation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation")
            .field("page_rows", &self.page_rows)
            .field("rows_per_second", &self.rows_per_second)
            .finish_non_exhaustive()
    }
}
