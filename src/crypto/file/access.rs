//! Who may do what with a file, carried over to the file that replaces it.

use std::fs::{File, Permissions};
use std::io;

/// Who may do what with a file.
#[derive(Debug)]
pub(super) struct Access {
    permissions: Permissions,
    #[cfg(unix)]
    owner: u32,
    #[cfg(unix)]
    group: u32,
    #[cfg(target_os = "linux")]
    list: Option<Vec<u8>>,
}

impl Access {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Ok(Self {
            permissions: about.permissions(),
            #[cfg(unix)]
            owner: about.uid(),
            #[cfg(unix)]
            group: about.gid(),
            #[cfg(target_os = "linux")]
            list: list::of(file)?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn give_to(self, file: &File) -> io::Result<()> {
        file.set_permissions(self.permissions)
    }

    /// Gives it to a file that is its owner's alone until now.
    ///
    /// Owner and group are kept where the system lets us. Where it does not, nobody may do
    /// more than before; it is not an error, for who may write to the folder only is common.
    #[cfg(unix)]
    pub(super) fn give_to(self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        // Not allowed, or not known to the file system: what came of it tells.
        let _ = fchown(file, Some(self.owner), Some(self.group))
            .or_else(|_| fchown(file, None, Some(self.group)));
        let has_group = file.metadata()?.gid() == self.group;
        // A program would run as whom the bits above these say, and this is none.
        let mode = self.permissions.mode() & 0o777;
        let mode = if has_group { mode } else { for_any_group(mode) };
        #[cfg(target_os = "linux")]
        let mode = match list::give(self.list.as_deref(), has_group, file) {
            Ok(()) => mode,
            // With a list, the bits of the group are those of everyone on it.
            Err(_) => mode & 0o700,
        };
        file.set_permissions(Permissions::from_mode(mode))
    }
}

/// What a mode allows when the file has come to another group: each user may have been in the
/// old group or not, and may be in the new one or not.
#[cfg(unix)]
const fn for_any_group(mode: u32) -> u32 {
    let both = mode >> 3 & mode & 0o7;
    mode & 0o700 | both << 3 | both
}

/// Access control lists (POSIX.1e draft 17), as the kernel hands them out.
#[cfg(target_os = "linux")]
mod list {
    use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;

    const NAME: &str = "system.posix_acl_access";
    /// No attribute is longer (`XATTR_SIZE_MAX`).
    const MAX_LEN: usize = 64 << 10;

    pub(super) fn of(file: &File) -> io::Result<Option<Vec<u8>>> {
        let mut list = vec![0; MAX_LEN];
        match fgetxattr(file, NAME, &mut list) {
            Ok(length) => {
                list.truncate(length);
                Ok(Some(list))
            }
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file this list, or none: it may have one from its folder.
    pub(super) fn give(list: Option<&[u8]>, has_group: bool, file: &File) -> io::Result<()> {
        match list {
            Some(_) if !has_group => Err(io::ErrorKind::PermissionDenied.into()),
            Some(list) => Ok(fsetxattr(file, NAME, list, XattrFlags::empty())?),
            None => match fremovexattr(file, NAME) {
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn in_another_group_nobody_may_do_more() {
        for (mode, expected) in [
            (0o600, 0o600),
            (0o640, 0o600),
            (0o644, 0o644),
            (0o664, 0o644),
            (0o604, 0o600),
            (0o777, 0o777),
            (0o070, 0o000),
            (0o025, 0o000),
            (0o457, 0o455),
        ] {
            assert_eq!(for_any_group(mode), expected, "{mode:o}");
        }
    }
}
