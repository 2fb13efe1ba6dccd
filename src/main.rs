//! `tspm`.

fn main() {}
