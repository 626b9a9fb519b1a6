//! Writes to standard output and standard error.
//!
//! A reader may stop reading, as `head` does. That is no failure: the command goes on with its
//! work, and its exit code is that of the work. Any other error of standard output, such as a full
//! disk, is reported when the command ends.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// The first error of standard output that counts.
static ERROR: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes a line to standard output; like `println!`, but never panics.
macro_rules! say {
    ($($argument:tt)*) => { $crate::cli::output::line(format_args!($($argument)*)) };
}
pub(super) use say;

/// Writes a line to standard output.
pub fn line(line: Arguments<'_>) {
    keep(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes a text to standard output, as it is.
pub fn text(text: &str) {
    keep(io::stdout().lock().write_all(text.as_bytes()));
}

/// Writes a line to standard error, and ignores failures, which could not be reported anywhere.
pub fn complain(line: Arguments<'_>) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// Keeps the first error of standard output for [`finish`].
pub fn keep(written: io::Result<()>) {
    let Err(error) = written else { return };
    if error.kind() != ErrorKind::BrokenPipe {
        ERROR.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Flushes standard output; fails if a part of it was lost.
pub fn finish() -> io::Result<()> {
    keep(io::stdout().flush());
    ERROR.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}
