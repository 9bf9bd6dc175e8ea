//! Files of the file system, and what is left of them.

use super::{CHUNK, HEADER, SLOT, bare, code, text};
use portcullis::crypto::file::{Existing, NewFile};
use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn there_and_back() {
    for length in [0, 1, CHUNK, 40 * CHUNK + 3, 300 * CHUNK] {
        for threads in [1, 2, 5] {
            let folder = Folder::new();
            let plain = folder.with("plain", &text(length));
            let (sealed, opened) = (folder.at("sealed"), folder.at("opened"));
            let files = bare().threads(NonZeroUsize::new(threads).unwrap());
            let done = files.seal_file(&plain, &sealed, Existing::Refuse);
            assert_eq!(done.unwrap(), length as u64);
            assert_eq!(files.verify_file(&sealed).unwrap(), length as u64);
            let done = files.open_file(&sealed, &opened, Existing::Refuse);
            assert_eq!(done.unwrap(), length as u64);
            assert!(fs::read(&opened).unwrap() == text(length));
            assert!(bare().open(&fs::read(&sealed).unwrap()).unwrap() == text(length));
            assert_eq!(folder.names(), ["opened", "plain", "sealed"]);
        }
    }
}

#[test]
fn what_fails_leaves_no_file() {
    let good = bare().seal(&text(100 * CHUNK + 5)).unwrap();
    let mut changed = good.clone();
    changed[HEADER + 90 * SLOT] ^= 1;
    for threads in [1, 2] {
        for (name, bytes, expected) in [
            ("cut off", &good[..good.len() - 1], "corrupt"),
            (
                "cut off between chunks",
                &good[..HEADER + 50 * SLOT],
                "truncated",
            ),
            ("changed", &changed, "corrupt"),
            ("empty", &[], "truncated"),
            ("another", &[7; 1000], "wrong_key"),
        ] {
            let folder = Folder::new();
            let sealed = folder.with("sealed", bytes);
            let files = bare().threads(NonZeroUsize::new(threads).unwrap());
            let opened = files.open_file(&sealed, folder.at("opened"), Existing::Refuse);
            assert_eq!(code(&opened.unwrap_err()), expected, "{name}");
            let verified = files.verify_file(&sealed);
            assert_eq!(code(&verified.unwrap_err()), expected, "{name}");
            let in_place = files.open_file_in_place(&sealed);
            assert_eq!(code(&in_place.unwrap_err()), expected, "{name}");
            assert_eq!(folder.names(), ["sealed"], "{name}");
            assert!(fs::read(&sealed).unwrap() == bytes, "{name}");
        }
    }
}

#[test]
fn what_is_there_is_left_alone_unless_it_is_to_be_replaced() {
    let folder = Folder::new();
    let (plain, there) = (folder.with("plain", b"text"), folder.with("there", b"old"));
    let refused = bare().seal_file(&plain, &there, Existing::Refuse);
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("there"), "{error}");
    assert_eq!(fs::read(&there).unwrap(), b"old");
    bare().seal_file(&plain, &there, Existing::Replace).unwrap();
    assert_eq!(bare().open(&fs::read(&there).unwrap()).unwrap(), b"text");
    assert_eq!(folder.names(), ["plain", "there"]);
}

#[test]
fn what_came_meanwhile_is_left_alone_too() {
    let folder = Folder::new();
    let mut file = NewFile::create(folder.at("new"), Existing::Refuse).unwrap();
    file.write_all(b"ours").unwrap();
    folder.with("new", b"theirs");
    let error = file.commit().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(folder.at("new")).unwrap(), b"theirs");
    assert_eq!(folder.names(), ["new"]);
}

#[test]
fn what_is_dropped_is_gone() {
    let folder = Folder::new();
    let mut file = NewFile::create(folder.at("new"), Existing::Refuse).unwrap();
    file.write_all(b"half").unwrap();
    assert_eq!(folder.names().len(), 1);
    assert!(!folder.at("new").exists());
    drop(file);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn what_has_no_name_or_no_folder_is_refused() {
    let folder = Folder::new();
    for (name, path) in [
        ("nothing", PathBuf::new()),
        ("the root", PathBuf::from("/")),
        ("above", folder.at("..")),
        ("no folder", folder.at("missing/new")),
    ] {
        assert!(NewFile::create(path, Existing::Replace).is_err(), "{name}");
    }
    let plain = folder.with("plain", b"text");
    for path in [folder.at("missing"), folder.0.path().to_owned()] {
        assert!(
            bare()
                .seal_file(&path, folder.at("a"), Existing::Refuse)
                .is_err()
        );
        assert!(bare().seal_file_in_place(&path).is_err());
    }
    // A folder is not replaced by a file.
    let onto = bare().seal_file(&plain, folder.0.path(), Existing::Replace);
    assert!(onto.is_err());
    assert_eq!(folder.names(), ["plain"]);
}

#[test]
fn in_place() {
    let folder = Folder::new();
    let path = folder.with("file", &text(40 * CHUNK));
    assert_eq!(bare().seal_file_in_place(&path).unwrap(), 40 * CHUNK as u64);
    assert!(bare().open(&fs::read(&path).unwrap()).unwrap() == text(40 * CHUNK));
    assert_eq!(bare().open_file_in_place(&path).unwrap(), 40 * CHUNK as u64);
    assert!(fs::read(&path).unwrap() == text(40 * CHUNK));
    assert_eq!(folder.names(), ["file"]);
}

#[test]
fn onto_itself() {
    let folder = Folder::new();
    let path = folder.with("file", b"text");
    bare().seal_file(&path, &path, Existing::Replace).unwrap();
    bare().open_file(&path, &path, Existing::Replace).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"text");
}

#[cfg(unix)]
#[test]
fn new_files_are_for_their_owner_alone() {
    let folder = Folder::new();
    let mut file = NewFile::create(folder.at("new"), Existing::Refuse).unwrap();
    file.write_all(b"secret").unwrap();
    let [temporary] = &folder.names()[..] else {
        panic!("one file");
    };
    assert_eq!(mode(&folder.at(temporary)), 0o600);
    file.commit().unwrap();
    assert_eq!(mode(&folder.at("new")), 0o600);
}

/// Replacing `/dev/null` by a file would break the machine.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_left_alone() {
    use std::os::unix::net::UnixListener;
    let folder = Folder::new();
    let plain = folder.with("plain", b"text");
    let socket = folder.at("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let kind = |path: &Path| fs::symlink_metadata(path).unwrap().file_type();
    for path in [&socket, &folder.0.path().to_owned()] {
        let before = kind(path);
        for existing in [Existing::Refuse, Existing::Replace] {
            assert!(bare().seal_file(&plain, path, existing).is_err());
        }
        let errors = [
            bare().seal_file_in_place(path).unwrap_err(),
            bare().open_file_in_place(path).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(kind(path), before);
    }
    assert_eq!(folder.names(), ["plain", "socket"]);
}

#[cfg(unix)]
#[test]
fn in_place_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.with("file", b"text");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    bare().seal_file_in_place(&path).unwrap();
    assert_eq!(mode(&path), 0o640);
    bare().open_file_in_place(&path).unwrap();
    assert_eq!(mode(&path), 0o640);
}

#[cfg(unix)]
#[test]
fn links_are_followed_in_place_and_replaced_elsewhere() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let (target, plain) = (
        folder.with("target", b"precious"),
        folder.with("plain", b"text"),
    );
    let (link, dangling) = (folder.at("link"), folder.at("dangling"));
    symlink(&target, &link).unwrap();
    symlink(folder.at("nowhere"), &dangling).unwrap();

    for there in [&link, &dangling] {
        let refused = bare().seal_file(&plain, there, Existing::Refuse);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        bare().seal_file(&plain, there, Existing::Replace).unwrap();
        assert!(fs::symlink_metadata(there).unwrap().is_file());
    }
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert!(!folder.at("nowhere").exists());

    fs::remove_file(&link).unwrap();
    symlink(&target, &link).unwrap();
    bare().seal_file_in_place(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        bare().open(&fs::read(&target).unwrap()).unwrap(),
        b"precious"
    );
}
