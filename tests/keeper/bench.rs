//! How long starts and stops take, beside the least they could take. Run by hand:
//! `cargo test --release --test keeper -- --ignored`.

use std::process::ExitCode;

use super::Test;

pub(super) const TESTS: &[Test] = &[];

pub(super) fn supervisor() -> ExitCode {
    ExitCode::SUCCESS
}
