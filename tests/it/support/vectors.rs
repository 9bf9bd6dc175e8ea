use std::path::Path;

/// The text of an outside vector file, or `None`, said aloud, when the vectors are not here.
///
/// # Panics
/// When they are not here and `PORTCULLIS_VECTORS=required` says that they have to be.
#[allow(dead_code, reason = "which are used depends on the features")]
pub(crate) fn vectors(file: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if std::env::var("PORTCULLIS_VECTORS").as_deref() == Ok("required") => {
            panic!("the outside vectors are required, and {file} cannot be read: {error}")
        }
        Err(_) => {
            eprintln!("skipped: the outside vectors ({file}) are not on this machine");
            None
        }
    }
}
