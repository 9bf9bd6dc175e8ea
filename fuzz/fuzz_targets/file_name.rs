//! A name that is taken is one segment of a path, and is taken again as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::input::file_name::FileName;
use portcullis::input::path::join_under;
use std::path::{Component, Path};

fuzz_target!(|name: &str| {
    for taken in [FileName::parse(name), FileName::repair(name)].into_iter().flatten() {
        let text = taken.as_str();
        assert_eq!(FileName::parse(text).as_ref(), Ok(&taken), "{name:?}");
        assert_eq!(FileName::repair(text).as_ref(), Ok(&taken), "{name:?}");
        assert!(text.len() <= 255 && !text.contains(['/', '\\', '\0', ':', '<', '"']), "{text:?}");
        let mut components = Path::new(text).components();
        assert!(matches!(components.next(), Some(Component::Normal(_))), "{text:?}");
        assert!(components.next().is_none(), "{text:?}");
    }
    if let Ok(path) = join_under(Path::new("/root"), name) {
        assert!(path.starts_with("/root"), "{name:?}");
        assert!(!path.components().any(|it| it == Component::ParentDir), "{name:?}");
    }
});
