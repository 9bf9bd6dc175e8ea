use super::SubjectError;

/// What became of one page of subjects, as [`SubjectKeys::rewrap`](super::SubjectKeys::rewrap)
/// wrapped their keys anew.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SubjectRewrap {
    /// The id of the last subject, to go on after; `None` when there are no more.
    pub last: Option<Vec<u8>>,
    /// Keys wrapped anew.
    pub rewrapped: u64,
    /// Subjects that were erased, and stay so.
    pub tombstones: u64,
    /// Keys that another changed at the same moment. Wrap this page again.
    pub contended: u64,
    /// Keys that stay as they are. An old key of the KEK that wrapped one of them cannot be
    /// retired.
    pub problems: Vec<SubjectProblem>,
}

/// A subject whose key was not wrapped anew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SubjectProblem {
    /// The id of its record: the subject, unless another program wrote it.
    pub id: Vec<u8>,
    /// Why.
    pub error: SubjectError,
}

/// What became of one subject.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rewrapped {
    Key,
    Tombstone,
    Contended,
}

impl SubjectRewrap {
    pub(super) fn count(&mut self, outcome: Rewrapped) {
        let counter = match outcome {
            Rewrapped::Key => &mut self.rewrapped,
            Rewrapped::Tombstone => &mut self.tombstones,
            Rewrapped::Contended => &mut self.contended,
        };
        *counter += 1;
    }
}
