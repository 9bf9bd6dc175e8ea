//! Whose a file is after it was replaced by itself sealed, and who may do what with it.

use super::bare;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where the child of a test finds its file.
const FILE: &str = "PORTCULLIS_TEST_FILE";

/// A file with this mode, that owner and that group; `None` where we may not give it away.
fn file(mode: u32, owner: u32, group: u32) -> Option<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "text").unwrap();
    if chown(&path, Some(owner), Some(group)).is_err() {
        println!("skipped: only root may give files away");
        return None;
    }
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    Some((folder, path))
}

fn about(path: &Path) -> (u32, u32, u32) {
    let about = fs::metadata(path).unwrap();
    (about.mode() & 0o7777, about.uid(), about.gid())
}

#[test]
fn who_may_keep_it_keeps_it() {
    for (mode, expected) in [
        (0o600, 0o600),
        (0o640, 0o640),
        (0o664, 0o664),
        (0o400, 0o400),
        (0o6755, 0o755),
    ] {
        let Some((_folder, path)) = file(mode, 1234, 5678) else {
            return;
        };
        bare().seal_file_in_place(&path).unwrap();
        assert_eq!(about(&path), (expected, 1234, 5678), "{mode:o}");
        bare().open_file_in_place(&path).unwrap();
        assert_eq!(about(&path), (expected, 1234, 5678), "{mode:o}");
    }
}

/// What [`nobody_gains_where_it_cannot_be_kept`] runs as somebody else.
#[test]
fn in_place_as_told() {
    if let Some(path) = std::env::var_os(FILE) {
        bare().seal_file_in_place(path).unwrap();
    }
}

#[test]
fn nobody_gains_where_it_cannot_be_kept() {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    // A copy that everybody may run: the folder of builds may be root's alone.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for (name, mode, owner, group, expected) in [
        ("of others", 0o664, 1234, 5678, (0o644, NOBODY, NOBODY)),
        (
            "all but the group",
            0o604,
            NOBODY,
            5678,
            (0o600, NOBODY, NOBODY),
        ),
        (
            "the group alone",
            0o640,
            NOBODY,
            5678,
            (0o600, NOBODY, NOBODY),
        ),
        ("our group", 0o664, 1234, NOBODY, (0o664, NOBODY, NOBODY)),
    ] {
        let Some((_folder, path)) = file(mode, owner, group) else {
            return;
        };
        let child = Command::new(&program)
            .args(["--exact", "file::access::in_place_as_told"])
            .env(FILE, &path)
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap();
        assert!(child.status.success(), "{name}: {child:?}");
        assert!(bare().open(&fs::read(&path).unwrap()).is_ok(), "{name}");
        assert_eq!(about(&path), expected, "{name}");
    }
}

#[cfg(target_os = "linux")]
mod lists {
    use super::*;
    use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};

    const NAME: &str = "system.posix_acl_access";

    /// The owner reads and writes, user 1234 reads, the group does nothing and others neither.
    fn list() -> Vec<u8> {
        let entry = |tag: u16, may: u16, who: u32| {
            let mut entry = [tag.to_le_bytes(), may.to_le_bytes()].concat();
            entry.extend(who.to_le_bytes());
            entry
        };
        let none = u32::MAX;
        [
            2_u32.to_le_bytes().to_vec(),
            entry(0x01, 6, none),
            entry(0x02, 4, 1234),
            entry(0x04, 0, none),
            entry(0x10, 4, none),
            entry(0x20, 0, none),
        ]
        .concat()
    }

    fn list_of(path: &Path) -> Option<Vec<u8>> {
        let mut list = vec![0; 1024];
        let length = fgetxattr(File::open(path).unwrap(), NAME, &mut list).ok()?;
        list.truncate(length);
        Some(list)
    }

    fn give(path: &Path, name: &str) -> bool {
        let given = fsetxattr(
            File::open(path).unwrap(),
            name,
            &list(),
            XattrFlags::empty(),
        );
        if given.is_err() {
            println!("skipped: the file system has no access control lists");
        }
        given.is_ok()
    }

    fn ours() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "text").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        (folder, path)
    }

    #[test]
    fn stay() {
        let (_folder, path) = ours();
        if !give(&path, NAME) {
            return;
        }
        // To who sees modes alone, the group may read: it is what the list allows at most.
        assert_eq!(about(&path).0, 0o640);
        bare().seal_file_in_place(&path).unwrap();
        assert_eq!(list_of(&path), Some(list()));
        assert_eq!(about(&path).0, 0o640);
    }

    #[test]
    fn of_the_folder_are_not_inherited() {
        let (folder, path) = ours();
        if !give(folder.path(), "system.posix_acl_default") {
            return;
        }
        bare().seal_file_in_place(&path).unwrap();
        assert_eq!(list_of(&path), None);
        assert_eq!(about(&path).0, 0o640);
    }
}
