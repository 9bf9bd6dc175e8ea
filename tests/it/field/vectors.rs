//! The examples of `docs/formats.md`, made here from the document's rules alone: what is
//! written there is what the code does.

use hkdf::Hkdf;
use portcullis::clock::Timestamp;
use portcullis::crypto::aead::Backend;
use portcullis::crypto::field::{Encrypted, FieldCipher};
use portcullis::crypto::hazmat::Xaes256Gcm;
use portcullis::crypto::keyring::{Key, Keyring};
use portcullis::secret::SecretBytes;
use sha2::Sha256;
use std::fmt::Write;
use std::path::Path;

const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut at = 0;
    while at < 32 {
        key[at] = at as u8;
        at += 1;
    }
    key
};
const NONCE: [u8; 24] = *b"ABCDEFGHIJKLMNOPQRSTUVWX";
const ROW: i64 = 42;
const VALUE: &str = "ann@example.com";

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    std::fs::read_to_string(path).unwrap()
}

/// The examples of fields and keyrings in the document.
fn written_examples() -> String {
    let document = document();
    let (_, section) = document
        .split_once("## Examples of fields and keyrings")
        .expect("the document has the section");
    let mut parts = section.split("```");
    parts.nth(1).expect("the section has examples").to_owned()
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

fn expand(info: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    let hkdf = Hkdf::<Sha256>::from_prk(&KEY).unwrap();
    hkdf.expand(info, &mut output).unwrap();
    output
}

fn keyring() -> Keyring {
    let created = Timestamp::from_unix_seconds(1_790_000_000);
    Keyring::new(Key::from_bytes(&SecretBytes::from(KEY.as_slice()), created).unwrap())
}

struct Example {
    name: &'static str,
    suite: u8,
    /// What follows the value.
    padding: &'static [u8],
}

const EXAMPLES: [Example; 4] = [
    Example {
        name: "01",
        suite: 0x01,
        padding: b"",
    },
    Example {
        name: "41",
        suite: 0x41,
        padding: b"\x80",
    },
    Example {
        name: "81",
        suite: 0x81,
        padding: b"",
    },
    Example {
        name: "c1",
        suite: 0xC1,
        padding: b"\x80",
    },
];

impl Example {
    fn associated_data(&self) -> Vec<u8> {
        [
            vec![0x01, self.suite],
            expand(b"portcullis/v1/commit")[..8].to_vec(),
            sized(b"shop"),
            sized(b"users"),
            sized(b"email"),
            sized(&[&[1], &ROW.to_be_bytes()[..]].concat()),
            sized(b""),
        ]
        .concat()
    }

    fn sealed(&self) -> Vec<u8> {
        let info = [
            b"portcullis/v1/column".to_vec(),
            sized(b"users"),
            sized(b"email"),
        ];
        let cipher = Xaes256Gcm::new(Backend::default(), &expand(&info.concat()));
        let mut data = [VALUE.as_bytes(), self.padding].concat();
        let tag = cipher.seal_in_place(&NONCE, &self.associated_data(), &mut data);
        let commitment = expand(b"portcullis/v1/commit");
        let full: &[u8] = if self.suite & 0x80 == 0 {
            b""
        } else {
            &commitment
        };
        [
            &[0x01, self.suite],
            &commitment[..8],
            full,
            &NONCE,
            &data,
            &tag.unwrap(),
        ]
        .concat()
    }
}

/// The examples as the document has them.
fn examples() -> String {
    let info = [
        b"portcullis/v1/column".to_vec(),
        sized(b"users"),
        sized(b"email"),
    ];
    let commitment = expand(b"portcullis/v1/commit");
    let mut text = String::new();
    let mut line = |name: &str, value: &str| writeln!(text, "{name:<11} {value}").unwrap();
    line("key", &hex(&KEY));
    line("commitment", &hex(&commitment));
    line("key id", &hex(&commitment[..8]));
    line("keyring", keyring().to_text().expose().trim_end());
    line("column key", &hex(&expand(&info.concat())));
    line("nonce", &hex(&NONCE));
    line("AAD 01", &hex(&EXAMPLES[0].associated_data()));
    for example in &EXAMPLES {
        line(&format!("sealed {}", example.name), &hex(&example.sealed()));
    }
    let text_form = Encrypted::<String>::from_bytes(EXAMPLES[0].sealed());
    line("text 01", &text_form.to_text());
    text
}

#[test]
fn the_document_has_the_examples() {
    let examples = examples();
    assert!(
        written_examples().contains(&examples),
        "docs/formats.md does not have these examples:\n{examples}"
    );
    println!("{examples}");
}

/// Every sealed value in the document opens, with the keyring in the document.
#[test]
fn the_examples_open() {
    let examples = written_examples();
    let keyring = examples
        .lines()
        .find_map(|line| line.strip_prefix("keyring "));
    let keyring = Keyring::parse(keyring.unwrap()).unwrap();
    let column = FieldCipher::new(keyring, "shop")
        .column("users", "email")
        .unwrap();
    let mut opened = 0;
    for line in examples.lines().filter(|line| line.starts_with("sealed ")) {
        let digits = line.split_whitespace().last().unwrap();
        let bytes = (0..digits.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        let sealed = Encrypted::<String>::from_bytes(bytes.collect());
        assert_eq!(column.open(&sealed, ROW).unwrap().expose(), VALUE, "{line}");
        opened += 1;
    }
    assert_eq!(opened, EXAMPLES.len());
}
