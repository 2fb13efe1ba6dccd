//! Plain output of commands that end by themselves: results to standard output, the rest to standard error.
//!
//! Never panics and never fails a command because nobody reads: a closed pipe ends the output, not the work.

use std::io::{self, Write};

use serde::Serialize;
use tokio::io::Interest;

use crate::sys::reactor::Watched;

/// Prints a result. False: nobody reads any more.
pub(crate) fn print(text: &str) -> bool {
    print_bytes(text.as_bytes())
}

/// Prints a result that need not be text. False: nobody reads any more.
pub(crate) fn print_bytes(bytes: &[u8]) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}

/// Prints one JSON value over several lines, for commands that print one object.
pub(crate) fn print_json<T: Serialize>(value: &T) {
    let text = serde_json::to_string_pretty(value).expect("wire types have string keys only");
    print(&(text + "\n"));
}

/// One JSON value on one line, for commands that print a stream.
pub(crate) fn json_line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("wire types have string keys only") + "\n"
}

/// Says something that is not a result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Returns when whoever read standard output has closed it, as `| head` does; never for a file. A command that
/// waits for more to print ends then, and not when there is more.
pub(crate) async fn reader_gone() {
    // A file cannot be watched, and is never closed by a reader.
    if let Ok(mut stdout) = Watched::new(io::stdout()) {
        while let Ok(ready) = stdout.next_ready(Interest::WRITABLE).await {
            if ready.is_write_closed() {
                return;
            }
        }
    }
    std::future::pending::<()>().await;
}
