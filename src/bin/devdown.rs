//! `devdown`.

fn main() {}
