use super::{AppSchema, CedarPolicies, LoadError, PolicyFolder};
use crate::authz::abac::Version;
use crate::lock::lock;
use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

/// Policies that can be replaced while requests are decided: each request by one version or by
/// the other, never by some of both. What is wrong is not taken, and the old version stays.
///
/// Clones are one and the same. Nothing watches the folder by itself: call
/// [`reload_if_changed`](Self::reload_if_changed) twice as often as changes should be noticed.
///
/// ```
/// use portcullis::authz::cedar::{LivePolicies, PolicyFolder};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// std::fs::write(path.join("app.cedarschema"), "entity User; action read appliesTo { principal: User, resource: User };")?;
/// std::fs::write(path.join("users.cedar"), "permit(principal, action, resource) when { principal == resource };")?;
/// let live = LivePolicies::from_folder(PolicyFolder::new(path))?;
/// let first = live.current().version().clone();
///
/// std::fs::write(path.join("users.cedar"), "permit(principal, action, resource) when { principal.nmae };")?;
/// assert!(live.reload().is_err());
/// assert_eq!(live.current().version(), &first);
///
/// std::fs::write(path.join("users.cedar"), "forbid(principal, action, resource);")?;
/// assert_ne!(live.reload()?, first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LivePolicies(Arc<Inner>);

struct Inner {
    current: ArcSwap<CedarPolicies>,
    /// What all that come have to fit, once an application decides by them.
    schema: Mutex<Option<AppSchema>>,
    folder: Option<PolicyFolder>,
    looks: Mutex<Looks>,
}

/// What was found in the folder.
#[derive(Clone, Copy, Default)]
struct Looks {
    /// When it was read last, whether it was taken or not.
    read: Option<Seen>,
    /// At the last look.
    last: Option<Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Files([u8; 32]),
    Unreadable(io::ErrorKind),
    Refused,
}

impl Seen {
    fn of(files: &Result<super::folder::Files, LoadError>) -> Self {
        match files {
            Ok(files) => {
                let mut hash = Sha256::new();
                for (name, text) in files.iter() {
                    for part in [name, text] {
                        hash.update((part.len() as u64).to_be_bytes());
                        hash.update(part);
                    }
                }
                Self::Files(hash.finalize().into())
            }
            Err(LoadError::Unreadable { source, .. }) => Self::Unreadable(source.kind()),
            Err(_) => Self::Refused,
        }
    }
}

impl LivePolicies {
    /// Begins with these.
    #[must_use]
    pub fn new(policies: CedarPolicies) -> Self {
        Self::with(policies, None, Looks::default())
    }

    /// Begins with those in a folder.
    ///
    /// # Errors
    /// When they cannot be read or are wrong.
    pub fn from_folder(folder: PolicyFolder) -> Result<Self, LoadError> {
        let files = folder.files();
        let seen = Some(Seen::of(&files));
        let looks = Looks {
            read: seen,
            last: seen,
        };
        let policies = folder.load(files?)?;
        Ok(Self::with(policies, Some(folder), looks))
    }

    fn with(policies: CedarPolicies, folder: Option<PolicyFolder>, looks: Looks) -> Self {
        Self(Arc::new(Inner {
            current: ArcSwap::from_pointee(policies),
            schema: Mutex::default(),
            folder,
            looks: Mutex::new(looks),
        }))
    }

    /// The policies of this moment. Ask one and the same for all that has to fit together.
    #[must_use]
    pub fn current(&self) -> CedarPolicies {
        CedarPolicies::clone(&self.0.current.load())
    }

    /// Puts others in their place, all at once. The version that was there.
    ///
    /// # Errors
    /// When an application decides by them ([`CedarSource::new`](super::CedarSource::new)), and
    /// they were not checked against its schema: then the old ones stay.
    pub fn replace(&self, policies: CedarPolicies) -> Result<Version, LoadError> {
        let schema = lock(&self.0.schema);
        if let Some(schema) = &*schema {
            schema.check(&policies)?;
        }
        let old = self.0.current.swap(Arc::new(policies));
        Ok(old.version().clone())
    }

    /// From now on takes only what was checked against this schema, as the policies that are
    /// there were.
    pub(super) fn require(&self, of_application: &AppSchema) -> Result<(), LoadError> {
        let mut schema = lock(&self.0.schema);
        of_application.check(&self.current())?;
        *schema = Some(of_application.clone());
        Ok(())
    }

    /// Reads the folder again. The version there is now.
    ///
    /// # Errors
    /// When it cannot be read, something in it is wrong, or the policies came from no folder:
    /// then the old ones stay.
    pub fn reload(&self) -> Result<Version, LoadError> {
        self.read_if(|_| true).unwrap_or(Err(LoadError::NoFolder))
    }

    /// Reads the folder again, if there is anything else in it than was read last, or what kept
    /// it from being read is another. `None` where there is nothing new.
    ///
    /// Two looks in a row have to find the same: a file that is being written when the first
    /// looks can be valid without the policies that are still to come.
    ///
    /// # Errors
    /// As [`reload`](Self::reload), once for each content.
    pub fn reload_if_changed(&self) -> Option<Result<Version, LoadError>> {
        self.read_if(|is_new| is_new)
    }

    fn read_if(&self, wanted: impl Fn(bool) -> bool) -> Option<Result<Version, LoadError>> {
        let folder = self.0.folder.as_ref()?;
        // Also keeps a slower look from putting back older policies.
        let mut looks = lock(&self.0.looks);
        let files = folder.files();
        let now = Some(Seen::of(&files));
        let is_settled = looks.last == now;
        looks.last = now;
        if !wanted(is_settled && looks.read != now) {
            return None;
        }
        looks.read = now;
        Some(files.and_then(|files| {
            let policies = folder.load(files)?;
            let version = policies.version().clone();
            self.replace(policies)?;
            Ok(version)
        }))
    }
}

impl From<CedarPolicies> for LivePolicies {
    fn from(policies: CedarPolicies) -> Self {
        Self::new(policies)
    }
}

impl fmt::Debug for LivePolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivePolicies")
            .field("current", &self.current())
            .field("folder", &self.0.folder)
            .finish_non_exhaustive()
    }
}
