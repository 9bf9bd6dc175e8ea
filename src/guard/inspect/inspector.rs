use crate::guard::{Rejection, RequestHead};

/// What an inspector wants of a body. The greater want includes the smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Want {
    /// Not to be asked about this request.
    Nothing,
    /// The first bytes, this many at most.
    Prefix(usize),
    /// All of it, or 413 when it is larger than the layer's limit.
    Whole,
}

/// What was read of a body.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) whole: bool,
}

impl<'a> Reading<'a> {
    /// The bytes read. An inspector may see more than it wanted, when another wanted more.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether that is the whole body.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }
}

/// Looks into the body of a request before the service does. Tuples of inspectors are
/// inspectors: the body is read once, and the first rejection stands.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not inspect request bodies",
    note = "implement `portcullis::guard::Inspect`, or pass a tuple of two to six inspectors"
)]
pub trait Inspect: Send + Sync + 'static {
    /// What this inspector wants of the body of this request.
    fn wants(&self, request: &RequestHead<'_>) -> Want;

    /// Judges what was read. Called only where the inspector wanted something.
    ///
    /// # Errors
    /// The rejection, when the request may not pass.
    fn inspect(&self, request: &RequestHead<'_>, reading: Reading<'_>) -> Result<(), Rejection>;
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Inspect),+> Inspect for ($($name,)+) {
            fn wants(&self, request: &RequestHead<'_>) -> Want {
                Want::Nothing$(.max(self.$index.wants(request)))+
            }

            fn inspect(
                &self,
                request: &RequestHead<'_>,
                reading: Reading<'_>,
            ) -> Result<(), Rejection> {
                $(if self.$index.wants(request) != Want::Nothing {
                    self.$index.inspect(request, reading)?;
                })+
                Ok(())
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
