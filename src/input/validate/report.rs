//! What garde and serde found, as one rejection.

use super::codes::{Codes, decoded};
use crate::guard::{FieldError, Rejection, RejectionKind};
use crate::input::json::escaped;
use garde::Validate;
use serde_path_to_error::{Path, Segment};
use std::fmt::Write;

/// The most wrong fields that an answer names.
const MAX_ERRORS: usize = 64;

/// Holds a value to its rules.
pub(super) fn validate<T: Validate>(value: &T, context: &T::Context) -> Result<(), Rejection> {
    let Err(report) = garde::i18n::with_i18n(Codes, || value.validate_with(context)) else {
        return Ok(());
    };
    let errors = report.iter().take(MAX_ERRORS);
    let errors = errors.map(|(path, error)| decoded(error.message()).at(pointer(path)));
    Err(Rejection::invalid(errors))
}

/// The JSON pointer of a path of garde's. It shows its steps apart only when it is serialized.
fn pointer(path: &garde::Path) -> String {
    let steps: Vec<(String, String)> = serde_json::to_value(path)
        .and_then(serde_json::from_value)
        .unwrap_or_default();
    let steps = steps.iter().filter(|(kind, _)| kind != "none");
    steps
        .map(|(_, step)| format!("/{}", escaped(step)))
        .collect()
}

/// The rejection of a value that is not of its type, by what serde's derived code says.
pub(super) fn unreadable(path: &Path, message: &str) -> Rejection {
    let mut pointer = String::new();
    for segment in path {
        let _infallible = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => write!(pointer, "/{}", escaped(key)),
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
    }
    let named = NAMED.iter().find_map(|(start, code, mend)| {
        let (name, _) = message.strip_prefix(start)?.split_once('`')?;
        Some((format!("/{}", escaped(name)), *code, *mend))
    });
    let (code, mend) = match named {
        Some((name, code, mend)) => {
            if !pointer.ends_with(&name) {
                pointer.push_str(&name);
            }
            (code, mend)
        }
        None => ("wrong_type", "use a value of the right type"),
    };
    Rejection::invalid([FieldError::new(pointer, code, mend)])
}

/// How messages start that name a field, with the code and what to do.
const NAMED: [(&str, &str, &str); 3] = [
    ("missing field `", "required", "set a value"),
    ("unknown field `", "unknown_field", "leave out the field"),
    (
        "duplicate field `",
        "duplicate_field",
        "name the field once",
    ),
];

pub(super) fn malformed(code: &'static str) -> Rejection {
    Rejection::new(RejectionKind::Malformed).with_code(code)
}
