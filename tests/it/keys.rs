//! Where keys come from, how they are wrapped and kept, and how one is destroyed.

use portcullis::clock::FakeClock;
use portcullis::crypto::kek::{
    DataKey, DataKeyCache, Kek, KekContext, KekErrorKind, LocalKek, ScriptedKek, WrappedKey,
};
use portcullis::crypto::key_source::{
    EnvKeys, KeyFile, KeySource, KeySourceError, Reloaded, ReloadingKeys,
};
use portcullis::crypto::keyring::{Key, KeyId, Keyring, KeyringError, LiveKeyring};
use portcullis::crypto::{Stretch, field::FieldCipher};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

mod formats;
mod subjects;

fn context(subject: &str) -> KekContext {
    KekContext::new("test").with("subject", subject).unwrap()
}

mod kek {
    use super::*;

    #[tokio::test]
    async fn a_wrapped_key_is_for_its_context_alone() {
        let ring = LiveKeyring::new(Keyring::generate());
        let kek = LocalKek::new(ring.clone());
        let key = DataKey::generate();
        let wrapped = kek.wrap(&key, &context("ann")).await.unwrap();
        assert_eq!(kek.unwrap(&wrapped, &context("ann")).await.unwrap(), key);

        let again = kek.wrap(&key, &context("ann")).await.unwrap();
        assert_ne!(again, wrapped, "never twice the same");
        let stranger = LocalKek::new(Keyring::generate());
        for (name, kek, context) in [
            ("another subject", &kek, context("bob")),
            (
                "an entry more",
                &kek,
                context("ann").with("more", "").unwrap(),
            ),
            (
                "another purpose",
                &kek,
                KekContext::new("rest").with("subject", "ann").unwrap(),
            ),
            ("another KEK", &stranger, context("ann")),
        ] {
            let error = kek.unwrap(&wrapped, &context).await.unwrap_err();
            assert_eq!(error.kind(), KekErrorKind::Refused, "{name}");
        }
        for at in 0..wrapped.as_bytes().len() {
            let mut bytes = wrapped.as_bytes().to_vec();
            bytes[at] ^= 1;
            let changed = WrappedKey::from_bytes(bytes);
            assert!(kek.unwrap(&changed, &context("ann")).await.is_err(), "{at}");
            let short = WrappedKey::from_bytes(wrapped.as_bytes()[..at].to_vec());
            assert!(kek.unwrap(&short, &context("ann")).await.is_err(), "{at}");
        }
    }

    #[tokio::test]
    async fn the_kek_rotates() {
        let ring = LiveKeyring::new(Keyring::generate());
        let kek = LocalKek::new(ring.clone());
        let key = DataKey::generate();
        let old = kek.wrap(&key, &context("ann")).await.unwrap();
        let (first, second) = (ring.current().primary().id(), Key::generate());
        let id = second.id();
        ring.replace(
            ring.current()
                .with_key(second)
                .unwrap()
                .promote(id)
                .unwrap(),
        );
        let new = kek.wrap(&key, &context("ann")).await.unwrap();
        assert_eq!(kek.unwrap(&old, &context("ann")).await.unwrap(), key);
        ring.replace(ring.current().destroy(first).unwrap());
        assert!(kek.unwrap(&old, &context("ann")).await.is_err());
        assert_eq!(kek.unwrap(&new, &context("ann")).await.unwrap(), key);
    }

    #[tokio::test]
    async fn a_key_wrapped_without_the_commitment_is_refused() {
        use portcullis::crypto::SecretSealer;
        let ring = Keyring::generate();
        let kek = LocalKek::new(ring.clone());
        let key = DataKey::generate();
        for (name, is_committed) in [("with it", true), ("without it", false)] {
            let mut fields = FieldCipher::new(ring.clone(), "portcullis");
            if is_committed {
                fields = fields.with_full_commitment();
            }
            let column = fields.column("keys", "wrapped").unwrap();
            let context = "7:purpose4:test";
            let wrapped = column.seal_secret("portcullis/v1/kek", context, key.expose());
            let wrapped = WrappedKey::from_bytes(wrapped.unwrap());
            let unwrapped = kek.unwrap(&wrapped, &KekContext::new("test")).await;
            assert_eq!(unwrapped.is_ok(), is_committed, "{name}");
        }
    }

    #[tokio::test]
    async fn what_a_column_sealed_is_no_wrapped_key() {
        let ring = Keyring::generate();
        let column = FieldCipher::new(ring.clone(), "portcullis").column("keys", "wrapped");
        let sealed = column
            .unwrap()
            .seal(&[7_u8; 32][..], "7:purpose4:test")
            .unwrap();
        let wrapped = WrappedKey::from_bytes(sealed.into_bytes());
        let opened = LocalKek::new(ring).unwrap(&wrapped, &KekContext::new("test"));
        assert_eq!(opened.await.unwrap_err().kind(), KekErrorKind::Refused);
    }
}

mod cache {
    use super::*;

    async fn wrapped(kek: &ScriptedKek, subject: &str) -> WrappedKey {
        let key = DataKey::generate();
        kek.wrap(&key, &context(subject)).await.unwrap()
    }

    #[tokio::test]
    async fn a_key_is_used_within_its_bounds() {
        let minute = Duration::from_secs(60);
        for (name, messages, bytes, uses, expected) in [
            (
                "by age",
                u64::MAX,
                u64::MAX,
                &[(0, 1), (59, 1), (1, 1), (59, 1)][..],
                2,
            ),
            ("by messages", 3, u64::MAX, &[(0, 1); 7], 3),
            (
                "by bytes",
                u64::MAX,
                10,
                &[(0, 4), (0, 6), (0, 1), (0, 9)],
                2,
            ),
            ("by bytes at once", u64::MAX, 10, &[(0, 11), (0, 11)], 2),
            ("never kept", 0, 0, &[(0, 1), (0, 1)], 2),
        ] {
            let (kek, time) = (ScriptedKek::new(), FakeClock::at_unix_seconds(0));
            let key = wrapped(&kek, "ann").await;
            let cache = DataKeyCache::new(kek.clone())
                .max_age(minute)
                .max_messages(messages)
                .max_bytes(bytes)
                .clock(time.clock());
            for (wait, bytes) in uses {
                time.advance(Duration::from_secs(*wait));
                cache.unwrap(&key, &context("ann"), *bytes).await.unwrap();
            }
            assert_eq!(kek.unwraps(), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn many_at_once_are_one_call() {
        let kek = ScriptedKek::new();
        let key = wrapped(&kek, "ann").await;
        let cache = DataKeyCache::new(kek.clone());
        kek.hold();
        let mut asking = ask(&cache, &key, 100);
        until(|| kek.unwraps() == 1).await;
        kek.release();
        while let Some(key) = asking.join_next().await {
            assert!(key.unwrap().is_ok());
        }
        assert_eq!(kek.unwraps(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_shared_and_not_kept() {
        let kek = ScriptedKek::new();
        let key = wrapped(&kek, "ann").await;
        let cache = DataKeyCache::new(kek.clone());
        kek.hold();
        kek.fail_next([KekErrorKind::Unavailable]);
        let mut asking = ask(&cache, &key, 10);
        until(|| kek.unwraps() == 1).await;
        // All the others wait by now.
        tokio::task::yield_now().await;
        kek.release();
        while let Some(key) = asking.join_next().await {
            let error = key.unwrap().unwrap_err();
            assert_eq!(error.kind(), KekErrorKind::Unavailable);
        }
        assert_eq!((kek.unwraps(), cache.len()), (1, 0));
        assert!(cache.unwrap(&key, &context("ann"), 1).await.is_ok());
    }

    #[tokio::test]
    async fn who_leaves_holds_nobody_up() {
        let kek = ScriptedKek::new();
        let key = wrapped(&kek, "ann").await;
        let cache = DataKeyCache::new(kek.clone());
        kek.hold();
        let mut first = ask(&cache, &key, 1);
        until(|| kek.unwraps() == 1).await;
        let mut others = ask(&cache, &key, 10);
        tokio::task::yield_now().await;
        first.shutdown().await;
        until(|| kek.unwraps() == 2).await;
        kek.release();
        while let Some(key) = others.join_next().await {
            assert!(key.unwrap().is_ok());
        }
        assert_eq!(kek.unwraps(), 2);
    }

    #[tokio::test]
    async fn what_is_forgotten_while_it_comes_is_not_kept() {
        let kek = ScriptedKek::new();
        let key = wrapped(&kek, "ann").await;
        let cache = DataKeyCache::new(kek.clone());
        kek.hold();
        let mut asking = ask(&cache, &key, 1);
        until(|| kek.unwraps() == 1).await;
        cache.forget(&key, &context("ann"));
        kek.release();
        assert!(asking.join_next().await.unwrap().unwrap().is_ok());
        assert!(cache.is_empty());
    }

    #[tokio::test]
    async fn it_stays_within_its_entries_and_drops_the_least_used() {
        let kek = ScriptedKek::new();
        let cache = DataKeyCache::new(kek.clone()).max_entries(3);
        let mut keys = Vec::new();
        for subject in ["a", "b", "c", "d"] {
            keys.push((subject, wrapped(&kek, subject).await));
        }
        let get = async |at: usize| {
            let (subject, key) = &keys[at];
            cache.unwrap(key, &context(subject), 1).await.unwrap();
            kek.unwraps()
        };
        assert_eq!([get(0).await, get(1).await, get(2).await], [1, 2, 3]);
        assert_eq!(get(0).await, 3, "here");
        assert_eq!(get(3).await, 4, "b goes");
        assert_eq!(cache.len(), 3);
        assert_eq!(get(0).await, 4, "still here");
        assert_eq!(get(1).await, 5, "gone");
        for _ in 0..200 {
            let key = wrapped(&kek, "many").await;
            cache.unwrap(&key, &context("many"), 1).await.unwrap();
            assert_eq!(cache.len(), 3);
        }
    }

    #[tokio::test]
    async fn one_context_never_gets_the_key_of_another() {
        let kek = ScriptedKek::new();
        let key = wrapped(&kek, "ann").await;
        let cache = DataKeyCache::new(kek.clone());
        cache.unwrap(&key, &context("ann"), 1).await.unwrap();
        assert!(cache.unwrap(&key, &context("bob"), 1).await.is_err());
    }

    fn ask(
        cache: &DataKeyCache,
        key: &WrappedKey,
        times: usize,
    ) -> JoinSet<Result<DataKey, portcullis::crypto::kek::KekError>> {
        let mut asking = JoinSet::new();
        for _ in 0..times {
            let (cache, key) = (cache.clone(), key.clone());
            asking.spawn(async move { cache.unwrap(&key, &context("ann"), 1).await });
        }
        asking
    }

    async fn until(mut holds: impl FnMut() -> bool) {
        for _ in 0..10_000 {
            if holds() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never came to that");
    }
}

mod files {
    use super::*;

    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        (folder, path)
    }

    fn quick(file: KeyFile) -> KeyFile {
        // The least that a file may ask for.
        file.stretch(Stretch::OWASP)
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let kek = LocalKek::new(Keyring::generate());
        let ring = Keyring::generate().with_key(Key::generate()).unwrap();
        for (name, lock) in locks(&kek) {
            let (_folder, path) = place();
            let file = lock(KeyFile::new(&path));
            file.write(&ring).await.unwrap();
            assert_eq!(file.load().await.unwrap(), ring, "{name}");
            file.write(&Keyring::generate()).await.unwrap();
            assert_ne!(file.load().await.unwrap(), ring, "{name}: replaced");
            let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
            assert_eq!(left, 1, "{name}");
        }
    }

    fn locks(kek: &LocalKek) -> Vec<(&'static str, Box<dyn Fn(KeyFile) -> KeyFile>)> {
        let kek = kek.clone();
        vec![
            ("plain", Box::new(|file| file)),
            (
                "passphrase",
                Box::new(|file| quick(file).sealed_with_passphrase("nine purple lanterns")),
            ),
            (
                "KEK",
                Box::new(move |file| file.sealed_with_kek(kek.clone())),
            ),
        ]
    }

    #[tokio::test]
    async fn a_sealed_file_opens_in_its_own_way_only() {
        let kek = LocalKek::new(Keyring::generate());
        for (written, lock) in locks(&kek) {
            let (_folder, path) = place();
            lock(KeyFile::new(&path))
                .write(&Keyring::generate())
                .await
                .unwrap();
            for (read, other) in locks(&kek) {
                let loaded = other(KeyFile::new(&path)).load().await;
                assert_eq!(loaded.is_ok(), read == written, "{written} as {read}");
            }
            let wrong = [
                quick(KeyFile::new(&path)).sealed_with_passphrase("ten purple lanterns"),
                KeyFile::new(&path).sealed_with_kek(LocalKek::new(Keyring::generate())),
            ];
            for file in wrong {
                assert!(file.load().await.is_err(), "{written}");
            }
        }
    }

    #[tokio::test]
    async fn a_sealed_file_is_as_it_was_written_or_refused() {
        let (_folder, path) = place();
        let file = KeyFile::new(&path).sealed_with_kek(LocalKek::new(Keyring::generate()));
        file.write(&Keyring::generate()).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.trim_end();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            fs::write(&path, bytes).unwrap();
            assert!(file.load().await.is_err(), "{at}");
        }
        for at in [0, 5, text.len() / 2, text.len() - 1] {
            fs::write(&path, &text[..at]).unwrap();
            assert!(file.load().await.is_err(), "{at}");
        }
    }

    #[tokio::test]
    async fn hostile_headers_are_refused_before_any_work() {
        let (_folder, path) = place();
        let file = quick(KeyFile::new(&path)).sealed_with_passphrase("secret");
        file.write(&Keyring::generate()).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("pcs1.argon2id.19456.2.1."));
        let start = std::time::Instant::now();
        for (name, cost) in [
            ("4 TiB", "4294967295.2.1"),
            ("2 GiB", "2097152.1.1"),
            ("for ever", "19456.4294967295.1"),
            ("a thousand lanes", "19456.2.1000"),
            ("weak", "8.1.1"),
            ("no pass", "19456.0.1"),
        ] {
            fs::write(&path, text.replace("19456.2.1", cost)).unwrap();
            let error = file.load().await.unwrap_err();
            let is_stretch = matches!(
                error,
                KeySourceError::Stretch(_) | KeySourceError::Malformed
            );
            assert!(is_stretch, "{name}: {error}");
        }
        for malformed in [
            "+19456.2.1",
            "019456.2.1",
            "19456.2",
            "19456.2.1.1",
            ".2.1",
            "-1.2.1",
        ] {
            fs::write(&path, text.replace("19456.2.1", malformed)).unwrap();
            assert!(
                matches!(file.load().await, Err(KeySourceError::Malformed)),
                "{malformed}"
            );
        }
        assert!(start.elapsed() < Duration::from_secs(5));
        // Within the bounds, and still not what was sealed.
        fs::write(&path, text.replace("19456.2.1", "19457.2.1")).unwrap();
        assert!(matches!(file.load().await, Err(KeySourceError::Refused)));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_others_can_reach_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = place();
        let file = KeyFile::new(&path);
        file.write(&Keyring::generate()).await.unwrap();
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let written = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(written, 0o600);
        for (bits, is_ok) in [
            (0o600, true),
            (0o400, true),
            (0o700, true),
            (0o640, false),
            (0o604, false),
            (0o660, false),
            (0o620, false),
            (0o601, false),
        ] {
            mode(bits);
            let loaded = file.load().await;
            assert_eq!(loaded.is_ok(), is_ok, "{bits:o}");
            if let Err(error) = loaded {
                assert!(
                    error.to_string().contains(&format!("mode {bits:o}")),
                    "{error}"
                );
            }
            assert!(
                file.clone()
                    .insecure_readable_by_others()
                    .load()
                    .await
                    .is_ok()
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_key_file_is_refused() {
        let (folder, path) = place();
        let load = async || {
            KeyFile::new(&path)
                .insecure_readable_by_others()
                .load()
                .await
        };
        assert!(
            matches!(load().await, Err(KeySourceError::Io { .. })),
            "absent"
        );
        fs::write(&path, "x".repeat(1 << 17)).unwrap();
        assert!(
            matches!(load().await, Err(KeySourceError::Keyring(_))),
            "nonsense"
        );
        fs::write(&path, "x".repeat((1 << 17) + 1)).unwrap();
        assert!(matches!(load().await, Err(KeySourceError::TooLong)));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(
            matches!(load().await, Err(KeySourceError::Io { .. })),
            "not text"
        );
        let folder = KeyFile::new(folder.path()).load().await;
        assert!(matches!(
            folder,
            Err(KeySourceError::NotAFile(_) | KeySourceError::Io { .. })
        ));
    }

    #[tokio::test]
    async fn a_file_half_written_does_not_replace_the_old() {
        let (_folder, path) = place();
        let (file, ring) = (KeyFile::new(&path), Keyring::generate());
        file.write(&ring).await.unwrap();
        // Something stands there that no file replaces.
        let folder = path.with_file_name("folder");
        fs::create_dir(&folder).unwrap();
        let kept = folder.join("kept");
        fs::write(&kept, "theirs").unwrap();
        let failed = KeyFile::new(&folder).write(&Keyring::generate()).await;
        assert!(matches!(failed, Err(KeySourceError::Io { .. })));
        assert_eq!(fs::read_to_string(&kept).unwrap(), "theirs");
        assert_eq!(file.load().await.unwrap(), ring);
        assert_eq!(names(path.parent().unwrap()), ["folder", "keys"]);
    }

    #[tokio::test]
    async fn what_others_left_beside_the_file_is_left_alone() {
        let (_folder, path) = place();
        let theirs = path.with_file_name("keys.new");
        fs::write(&theirs, "theirs").unwrap();
        let (file, ring) = (KeyFile::new(&path), Keyring::generate());
        file.write(&ring).await.unwrap();
        assert_eq!(file.load().await.unwrap(), ring);
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_who_write_at_once_leave_one_whole_file() {
        let (_folder, path) = place();
        let rings: Vec<_> = (0..8).map(|_| Keyring::generate()).collect();
        for _ in 0..10 {
            let mut writing = JoinSet::new();
            for ring in rings.clone() {
                let file = KeyFile::new(&path);
                writing.spawn(async move { file.write(&ring).await });
            }
            for written in writing.join_all().await {
                written.unwrap();
            }
            let read = KeyFile::new(&path).load().await.unwrap();
            assert!(rings.contains(&read));
            assert_eq!(names(path.parent().unwrap()), ["keys"]);
        }
    }

    fn names(folder: &std::path::Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_is_replaced_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        for (name, before, is_any, after) in [
            ("none there", None, false, 0o600),
            ("read alone", Some(0o400), false, 0o400),
            ("as usual", Some(0o600), false, 0o600),
            ("open to others", Some(0o644), false, 0o600),
            ("open to others, as told", Some(0o640), true, 0o640),
        ] {
            let (_folder, path) = place();
            if let Some(mode) = before {
                fs::write(&path, "old").unwrap();
                fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            }
            let mut file = KeyFile::new(&path);
            if is_any {
                file = file.insecure_readable_by_others();
            }
            file.write(&Keyring::generate()).await.unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, after, "{name}");
            assert!(file.load().await.is_ok(), "{name}");
        }
    }

    /// A pipe would hold the reader up until somebody writes.
    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_no_regular_file_is_refused_at_once() {
        let (folder, path) = place();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [path.as_path(), folder.path(), "/dev/null".as_ref()] {
            let loaded = KeyFile::new(path).insecure_readable_by_others().load();
            let loaded = tokio::time::timeout(Duration::from_secs(5), loaded);
            let refused = loaded.await.unwrap();
            assert!(
                matches!(refused, Err(KeySourceError::NotAFile(_))),
                "{path:?}: {refused:?}"
            );
        }
        let refused = KeyFile::new(&socket).load().await;
        assert!(matches!(refused, Err(KeySourceError::Io { .. })));
    }

    /// Shown where files can be given away, which takes root. The rule itself has a test of
    /// its own.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_of_another_user_is_refused() {
        let (_folder, path) = place();
        let file = KeyFile::new(&path);
        file.write(&Keyring::generate()).await.unwrap();
        assert!(file.load().await.is_ok());
        if std::os::unix::fs::chown(&path, Some(54_321), None).is_err() {
            return;
        }
        let refused = file.load().await.unwrap_err();
        let is_owner = matches!(refused, KeySourceError::Owner { owner: 54_321, .. });
        assert!(is_owner, "{refused:?}");
        assert!(file.insecure_readable_by_others().load().await.is_ok());
    }

    /// Whoever can change the file could put a value there that opens under two keys.
    #[tokio::test]
    async fn a_keyring_sealed_without_the_commitment_is_refused() {
        use base64ct::{Base64UrlUnpadded, Encoding};
        use portcullis::crypto::SecretSealer;
        use portcullis::secret::SecretBytes;
        let (_folder, path) = place();
        let kek = LocalKek::new(Keyring::generate());
        let ring = Keyring::generate();
        let file = KeyFile::new(&path).sealed_with_kek(kek.clone());
        file.write(&ring).await.unwrap();
        let context = KekContext::new("keyring-file");
        let key = DataKey::generate();
        let wrapped = kek.wrap(&key, &context).await.unwrap();
        let wrapped = Base64UrlUnpadded::encode_string(wrapped.as_bytes());
        let header = format!("pcs1.kek.{wrapped}.");
        let root = SecretBytes::from(&key.expose()[..]);
        let root = Key::from_bytes(&root, Default::default()).unwrap();
        for (name, is_committed) in [("with it", true), ("without it", false)] {
            let mut fields = FieldCipher::new(Keyring::new(root.clone()), "portcullis");
            if is_committed {
                fields = fields.with_full_commitment();
            }
            let column = fields.column("keyring", "file").unwrap();
            let text = ring.to_text();
            let text = text.expose().as_bytes();
            let sealed = column.seal_secret("portcullis/v1/keyring", &header, text);
            let sealed = Base64UrlUnpadded::encode_string(&sealed.unwrap());
            fs::write(&path, format!("{header}{sealed}\n")).unwrap();
            let loaded = file.load().await;
            assert_eq!(loaded.is_ok(), is_committed, "{name}");
        }
    }

    #[tokio::test]
    async fn the_environment_is_a_source() {
        let source = EnvKeys::variable("PORTCULLIS_TEST_NO_SUCH_VARIABLE");
        let error = source.load().await.unwrap_err();
        let expected = KeyringError::Variable("PORTCULLIS_TEST_NO_SUCH_VARIABLE".to_owned());
        assert!(matches!(error, KeySourceError::Keyring(error) if error == expected));
        // One that every process has, and that is no keyring.
        assert!(EnvKeys::variable("PATH").load().await.is_err());
    }
}

mod reloading {
    use super::*;

    #[tokio::test]
    async fn a_cipher_follows_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("keys"));
        let ring = Keyring::generate();
        file.write(&ring).await.unwrap();
        let keys = ReloadingKeys::start(file.clone()).await.unwrap();
        let email = FieldCipher::new(keys.live(), "shop")
            .column("users", "email")
            .unwrap();
        let old = email.seal("ann@example.com", 1).unwrap();
        assert_eq!(keys.reload().await.unwrap(), Reloaded::Unchanged);

        let key = Key::generate();
        let id = key.id();
        let ring = ring.with_key(key).unwrap().promote(id).unwrap();
        file.write(&ring).await.unwrap();
        assert_eq!(keys.reload().await.unwrap(), Reloaded::Changed);
        assert_eq!(email.seal("ann@example.com", 1).unwrap().key_id(), Some(id));
        assert!(email.open(&old, 1).is_ok());
    }

    #[tokio::test]
    async fn what_would_lose_values_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let file = KeyFile::new(&path);
        let ring = Keyring::generate().with_key(Key::generate()).unwrap();
        file.write(&ring).await.unwrap();
        let keys = ReloadingKeys::start(file.clone()).await.unwrap();
        let ids: Vec<_> = ring.keys().map(Key::id).collect();

        for (name, text) in [
            ("empty", String::new()),
            ("cut short", ring.to_text().expose()[..60].to_owned()),
            (
                "another service's",
                Keyring::generate().to_text().expose().to_owned(),
            ),
        ] {
            fs::write(&path, text).unwrap();
            assert!(keys.reload().await.is_err(), "{name}");
            assert_eq!(*keys.live().current(), ring, "{name}");
        }
        fs::remove_file(&path).unwrap();
        assert!(keys.reload().await.is_err(), "gone");

        // One key is left out.
        let one = ring.to_text();
        let one = one.expose().lines().next().unwrap();
        let mode = |text: &str| {
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        };
        mode(one);
        let error = keys.reload().await.unwrap_err();
        assert!(matches!(&error, KeySourceError::KeysMissing(missing) if *missing == ids[1..]));
        assert!(error.to_string().contains(&ids[1].to_string()));

        // Destroyed first, it may be left out.
        file.write(&ring.destroy(ids[1]).unwrap()).await.unwrap();
        assert_eq!(keys.reload().await.unwrap(), Reloaded::Changed);
        mode(one);
        assert_eq!(keys.reload().await.unwrap(), Reloaded::Changed);
        assert_eq!(keys.live().current().keys().len(), 1);
    }

    /// A key that was taken out of use here is not taken back because a file says so.
    #[tokio::test]
    async fn a_key_taken_out_of_use_here_does_not_come_back() {
        type Change = fn(&Keyring, KeyId) -> Result<Keyring, KeyringError>;
        let destroy: Change = Keyring::destroy;
        let disable: Change = Keyring::disable;
        let destroy_and_forget: Change = |ring, id| ring.destroy(id)?.forget(id);
        let nothing: Change = |ring, _| Ok(ring.clone());
        for (name, here, in_the_source, is_taken) in [
            ("destroyed here", destroy, nothing, false),
            ("destroyed here, disabled there", destroy, disable, false),
            ("destroyed here and there", destroy, destroy, true),
            (
                "destroyed here, gone there",
                destroy,
                destroy_and_forget,
                true,
            ),
            ("disabled here", disable, nothing, false),
            ("disabled here and there", disable, disable, true),
            ("disabled here, destroyed there", disable, destroy, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = KeyFile::new(folder.path().join("keys"));
            let key = Key::generate();
            let id = key.id();
            let ring = Keyring::generate().with_key(key).unwrap();
            file.write(&ring).await.unwrap();
            let keys = ReloadingKeys::start(file.clone()).await.unwrap();
            let live = keys.live();
            live.replace(here(&live.current(), id).unwrap());
            let before = live.current();

            // Something else changes in the source too.
            let source = in_the_source(&ring, id).unwrap();
            file.write(&source.with_key(Key::generate()).unwrap())
                .await
                .unwrap();
            let reloaded = keys.reload().await;
            assert_eq!(reloaded.is_ok(), is_taken, "{name}: {reloaded:?}");
            if let Err(error) = reloaded {
                assert!(error.to_string().contains(&id.to_string()), "{name}");
                assert!(
                    matches!(error, KeySourceError::KeysReturned(keys) if keys == [id]),
                    "{name}"
                );
                assert_eq!(*live.current(), *before, "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_destroyed_key_stays_so_whoever_destroyed_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("keys"));
        let key = Key::generate();
        let id = key.id();
        let ring = Keyring::generate().with_key(key).unwrap();
        file.write(&ring).await.unwrap();
        let keys = ReloadingKeys::start(file.clone()).await.unwrap();
        // Destroyed by the source, forgotten by it, and then restored from a backup.
        let destroyed = ring.destroy(id).unwrap();
        for ring in [&destroyed, &destroyed.forget(id).unwrap()] {
            file.write(ring).await.unwrap();
            assert_eq!(keys.reload().await.unwrap(), Reloaded::Changed);
        }
        file.write(&ring).await.unwrap();
        let refused = keys.reload().await.unwrap_err();
        assert!(matches!(refused, KeySourceError::KeysReturned(keys) if keys == [id]));
        assert!(keys.live().current().key(id).is_none());
    }

    #[tokio::test]
    async fn who_disabled_a_key_in_the_source_enables_it_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("keys"));
        let key = Key::generate();
        let id = key.id();
        let ring = Keyring::generate().with_key(key).unwrap();
        file.write(&ring).await.unwrap();
        let keys = ReloadingKeys::start(file.clone()).await.unwrap();
        for ring in [&ring.disable(id).unwrap(), &ring] {
            file.write(ring).await.unwrap();
            assert_eq!(keys.reload().await.unwrap(), Reloaded::Changed);
            assert_eq!(*keys.live().current(), *ring);
        }
        // Here too, once both have disabled it.
        keys.live().replace(ring.disable(id).unwrap());
        file.write(&ring.disable(id).unwrap()).await.unwrap();
        assert_eq!(keys.reload().await.unwrap(), Reloaded::Unchanged);
        file.write(&ring).await.unwrap();
        assert_eq!(keys.reload().await.unwrap(), Reloaded::Changed);
    }

    #[tokio::test]
    async fn a_service_does_not_start_without_keys() {
        let file = KeyFile::new("/nonexistent/keys");
        assert!(ReloadingKeys::start(file).await.is_err());
    }
}

#[tokio::test]
async fn nothing_shows_a_key_or_a_passphrase() {
    let canary = "canary-passphrase";
    let ring = Keyring::generate();
    let material = ring.to_text();
    let material = material.expose().trim_end().rsplit('.').next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let kek = LocalKek::new(ring.clone());
    let file = KeyFile::new(&path)
        .stretch(Stretch::OWASP)
        .sealed_with_passphrase(canary);
    file.write(&ring).await.unwrap();
    let key = DataKey::generate();
    let wrapped = kek.wrap(&key, &context("ann")).await.unwrap();
    let cache = DataKeyCache::new(kek.clone());
    cache.unwrap(&wrapped, &context("ann"), 1).await.unwrap();
    let refused = kek.unwrap(&wrapped, &context("bob")).await.unwrap_err();
    let keys = ReloadingKeys::start(file.clone()).await.unwrap();
    fs::write(
        &path,
        ring.to_text().expose().replace("primary", "secondary"),
    )
    .unwrap();
    let plain = KeyFile::new(&path).load().await.unwrap_err();
    let unsealed = file.load().await.unwrap_err();
    let shown = format!(
        "{file:?} {kek:?} {key:?} {wrapped:?} {cache:?} {refused:?} {refused} {keys:?} {plain} \
         {plain:?} {unsealed} {unsealed:?} {:?}",
        ScriptedKek::new(),
    );
    let bytes = format!("{:?}", &key.expose()[..4]);
    for secret in [canary, material, bytes.trim_matches(['[', ']'])] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
