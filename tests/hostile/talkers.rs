//! Modes about standard input and output.

use std::io::{Read as _, Write as _};

use nix::sys::signal::Signal;

use crate::process::{block, fact, forever, up};

/// Writes as fast as it can, to both streams, for ever.
pub(crate) fn floods() {
    let block: Vec<u8> = b"the quick brown fox jumps over the lazy dog, again and again and again\n".repeat(900);
    up();
    loop {
        // A full or closed pipe is the supervisor's affair; the flood goes on.
        let _ = std::io::stdout().write_all(&block);
        let _ = std::io::stderr().write_all(&block);
    }
}

/// Writes `count` numbered lines in one go, then a last one without a newline, and stays.
pub(crate) fn lines(count: u64) {
    let mut text = Vec::new();
    for n in 1..=count {
        writeln!(text, "line {n}").expect("memory can be written");
    }
    text.extend_from_slice(b"the last line");
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&text).expect("stdout is read");
    stdout.flush().expect("stdout is read");
    up();
    forever();
}

/// Says something when it is asked to end, the last of it without a newline.
pub(crate) fn last_words() {
    let term = block(Signal::SIGTERM);
    println!("first words");
    up();
    term.wait().expect("SIGTERM can be awaited");
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(b"stopping now\nlast words");
    let _ = stdout.flush();
}

/// Writes bytes that are not UTF-8, a very long line, and something on the other stream.
pub(crate) fn raw() {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(b"caf\xe9 \xff\xfe\n").expect("stdout is read");
    stdout.write_all(&vec![b'x'; 40_000]).expect("stdout is read");
    stdout.write_all(b"\nshort\n").expect("stdout is read");
    stdout.flush().expect("stdout is read");
    std::io::stderr().write_all(b"to stderr\n").expect("stderr is read");
    up();
    forever();
}

/// Ends when its standard input does, and says so.
pub(crate) fn stdin() {
    up();
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("stdin can be read");
    fact("stdin ended");
}
