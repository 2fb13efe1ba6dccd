//! `devup`.

fn main() {}
