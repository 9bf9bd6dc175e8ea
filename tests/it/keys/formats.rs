//! The examples of wrapped keys and sealed keyrings in `docs/formats.md`, made from the rules of
//! the document alone, and read by what we offer.

use super::*;
use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64UrlUnpadded, Encoding};
use hkdf::Hkdf;
use portcullis::clock::Timestamp;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::hazmat::Xaes256Gcm;
use portcullis::crypto::subject::SubjectKeys;
use portcullis::secret::SecretBytes;
use portcullis::store::{Collection, Records};
use sha2::Sha256;
use std::array::from_fn;
use std::fmt::Write;
use std::path::Path;

const NONCE: [u8; 24] = *b"ABCDEFGHIJKLMNOPQRSTUVWX";
const PASSPHRASE: &str = "nine purple lanterns drift";
const CONTEXT: &str = "7:purpose11:subject-key7:subject3:ann";
const CREATED: u64 = 1_790_000_000;

/// Bytes that count from this one on.
fn counting<const N: usize>(from: u8) -> [u8; N] {
    from_fn(|at| from + at as u8)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn expand(key: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    let hkdf = Hkdf::<Sha256>::from_prk(key).unwrap();
    hkdf.expand(info, &mut output).unwrap();
    output
}

/// A field of suite 81 in the namespace `portcullis`, whose row is text.
fn sealed(key: &[u8; 32], names: [&str; 2], row: &str, extra: &str, value: &[u8]) -> Vec<u8> {
    let [table, column] = names.map(|name| sized(name.as_bytes()));
    let commitment = expand(key, b"portcullis/v1/commit");
    let head = [&[0x01, 0x81], &commitment[..8]].concat();
    let associated = [
        head.clone(),
        sized(b"portcullis"),
        table.clone(),
        column.clone(),
        sized(&[&[3], row.as_bytes()].concat()),
        sized(extra.as_bytes()),
    ];
    let info = [b"portcullis/v1/column".to_vec(), table, column].concat();
    let cipher = Xaes256Gcm::new(Backend::default(), &expand(key, &info));
    let mut data = value.to_vec();
    let tag = cipher.seal_in_place(&NONCE, &associated.concat(), &mut data);
    [&head, &commitment[..], &NONCE, &data, &tag.unwrap()].concat()
}

fn kek_ring() -> Keyring {
    ring(counting(0))
}

fn ring(bytes: [u8; 32]) -> Keyring {
    let created = Timestamp::from_unix_seconds(CREATED);
    Keyring::new(Key::from_bytes(&SecretBytes::from(&bytes[..]), created).unwrap())
}

fn examples() -> String {
    let kek: [u8; 32] = counting(0);
    let extra = "portcullis/v1/kek";
    let wrapped = sealed(
        &kek,
        ["keys", "wrapped"],
        CONTEXT,
        extra,
        &counting::<32>(0x20),
    );
    let record = [&[1, 1], &CREATED.to_be_bytes()[..], &wrapped].concat();

    let salt: [u8; 16] = counting(0x30);
    let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
    let mut root = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(PASSPHRASE.as_bytes(), &salt, &mut root)
        .unwrap();
    let salt = Base64UrlUnpadded::encode_string(&salt);
    let header = format!("pcs1.argon2id.19456.2.1.{salt}.");
    let extra = "portcullis/v1/keyring";
    let text = kek_ring().to_text();
    let text = text.expose().as_bytes();
    let sealed = sealed(&root, ["keyring", "file"], &header, extra, text);
    let sealed = Base64UrlUnpadded::encode_string(&sealed);
    format!(
        "wrapped         {}\nrecord          {}\nsealed keyring  {header}{sealed}\n",
        hex(&wrapped),
        hex(&record)
    )
}

fn written(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let document = fs::read_to_string(path).unwrap();
    let (_, section) = document
        .split_once("## Examples of wrapped keys and sealed keyrings")
        .unwrap();
    let examples = section.split("```").nth(1).unwrap();
    let line = examples.lines().find_map(|line| line.strip_prefix(name));
    line.expect("the document has the example")
        .trim()
        .to_owned()
}

fn bytes_of(name: &str) -> Vec<u8> {
    let digits = written(name);
    let bytes = (0..digits.len()).step_by(2);
    bytes
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_document_has_the_examples() {
    let examples = examples();
    for line in examples.lines() {
        let (name, value) = line.split_at(16);
        assert_eq!(written(name.trim_end()), value, "of\n{examples}");
    }
}

#[tokio::test]
async fn the_examples_are_read() {
    let wrapped = WrappedKey::from_bytes(bytes_of("wrapped "));
    let context = KekContext::new("subject-key").with("subject", "ann");
    let kek = LocalKek::new(kek_ring());
    let key = kek.unwrap(&wrapped, &context.unwrap()).await.unwrap();
    assert_eq!(*key.expose(), counting::<32>(0x20));

    let records = Records::memory();
    let collection = Collection::new("subject-key");
    let record = bytes_of("record ");
    records.insert(collection, "ann", &record).await.unwrap();
    let subjects = SubjectKeys::new(records, kek);
    let expected = ring(counting(0x20));
    assert_eq!(subjects.get("ann").await.unwrap(), expected);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, written("sealed keyring ")).unwrap();
    let file = KeyFile::new(&path)
        .insecure_readable_by_others()
        .sealed_with_passphrase(PASSPHRASE);
    assert_eq!(file.load().await.unwrap(), kek_ring());
}
