use fork::{Fork, fork, waitpid};
use std::fs;
use std::path::Path;
use std::process;

/// What `draw` gives in this process after a fork, and in the child.
pub(crate) fn drawn_by_both(draw: &mut dyn FnMut() -> Vec<u8>) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drawn");
    match fork().unwrap() {
        Fork::Child => write_and_leave(draw, &file),
        Fork::Parent(child) => {
            let ours = draw();
            assert_eq!(waitpid(child).unwrap(), 0, "the child did its part");
            [ours, fs::read(&file).unwrap()]
        }
    }
}

/// Ends the child here, whatever happens: the tests of its parent are not its own.
fn write_and_leave(draw: &mut dyn FnMut() -> Vec<u8>, file: &Path) -> ! {
    let attempt = std::panic::AssertUnwindSafe(|| fs::write(file, draw()).is_ok());
    let has_written = std::panic::catch_unwind(attempt).unwrap_or(false);
    process::exit(i32::from(!has_written))
}
