//! Values of every type, sealed as one and opened as the same.

use super::email;
use portcullis::clock::Timestamp;
use portcullis::crypto::Reason;
use portcullis::crypto::field::{Encrypted, FieldValue, Json, Padding, RowId};
use portcullis::secret::{SecretBytes, SecretString};
use std::fmt::Debug;

fn round_trip<T: FieldValue + PartialEq + Debug>(value: &T) {
    let column = email();
    let sealed = [column.seal(value, 1), column.batch().seal(value, 1)];
    for sealed in sealed.map(Result::unwrap) {
        assert_eq!(column.open(&sealed, 1).unwrap().expose(), value);
    }
}

#[test]
fn every_type_comes_back() {
    round_trip(&String::new());
    round_trip(&"Ann \u{1F600}".to_owned());
    round_trip(&vec![0_u8, 255]);
    round_trip(&SecretString::from("hunter2"));
    round_trip(&SecretBytes::from(vec![7; 32]));
    round_trip(&true);
    round_trip(&i16::MIN);
    round_trip(&u16::MAX);
    round_trip(&i32::MIN);
    round_trip(&u32::MAX);
    round_trip(&i64::MIN);
    round_trip(&u64::MAX);
    round_trip(&i128::MIN);
    round_trip(&u128::MAX);
    round_trip(&Timestamp::from_unix_seconds(1_790_000_000));
    round_trip(&Json(serde_json::json!({"street": "Elm", "no": [1, 2]})));
}

#[test]
fn a_value_is_not_read_as_another_type() {
    let column = email();
    let sealed = column.seal(&7_i64, 1).unwrap().into_bytes();
    let reason = |refused: portcullis::crypto::Refused| refused.reason();
    let as_bool = column.open(&Encrypted::<bool>::from_bytes(sealed.clone()), 1);
    assert_eq!(as_bool.map_err(reason).unwrap_err(), Reason::Unreadable);
    let as_small = column.open(&Encrypted::<i32>::from_bytes(sealed), 1);
    assert_eq!(as_small.map_err(reason).unwrap_err(), Reason::Unreadable);
}

#[test]
fn what_serde_cannot_write_is_refused() {
    use std::collections::HashMap;
    let value = Json(HashMap::from([((1, 2), 3)]));
    let refused = email().seal(&value, 1).unwrap_err();
    assert_eq!(refused.reason(), Reason::Unwritable);
}

#[test]
fn padding_hides_the_length() {
    for padding in [Padding::Block(32), Padding::Padme] {
        let column = super::fields().with_padding(padding);
        let column = column.column("users", "answer").unwrap();
        let length = |text: &str| column.seal(text, 1).unwrap().as_bytes().len();
        let (one, other) = if padding == Padding::Padme {
            ("x".repeat(1030), "x".repeat(1080))
        } else {
            ("yes".to_owned(), "no".to_owned())
        };
        assert_eq!(length(&one), length(&other), "{padding:?}");
    }
}

#[test]
fn rows_of_every_kind() {
    let column = email();
    let owned = "42".to_owned();
    let rows = [
        RowId::from(42),
        RowId::from(i64::MIN),
        RowId::from([9; 16]),
        RowId::from("42"),
        RowId::dangerous_unbound(),
    ];
    for row in rows {
        let sealed = column.seal("x", row).unwrap();
        for other in rows {
            assert_eq!(
                column.open(&sealed, other).is_ok(),
                row == other,
                "{row:?} {other:?}"
            );
        }
    }
    let sealed = column.seal("x", "42").unwrap();
    assert!(column.open(&sealed, &owned).is_ok());
}
