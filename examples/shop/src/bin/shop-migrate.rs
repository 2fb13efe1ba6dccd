//! Fills the store before the shop opens. It may run any number of times: what is done is not done again.
//!
//! Settings: `STORE`, the store's `host:port`.

use std::io;
use std::process::ExitCode;

use tspm_example_shop::store::Store;
use tspm_example_shop::{run, setting};

/// The steps, oldest first. A store at version 1 has seen the first of them.
const MIGRATIONS: &[fn(&mut Store) -> io::Result<()>] = &[add_products, add_a_new_one];

fn main() -> ExitCode {
    run(migrate)
}

fn migrate() -> io::Result<()> {
    let mut store = Store::connect(&setting("STORE")?)?;
    let version = store.get("schema")?.map_or(Ok(0), |text| text.parse()).map_err(io::Error::other)?;
    for (index, step) in MIGRATIONS.iter().enumerate().skip(version) {
        step(&mut store)?;
        let version = index + 1;
        store.set("schema", &version.to_string())?;
        println!("migrated to version {version}");
    }
    println!("the store is at version {}", MIGRATIONS.len());
    Ok(())
}

fn add_products(store: &mut Store) -> io::Result<()> {
    store.set("products", "tea coffee")?;
    store.set("price.tea", "450")?;
    store.set("price.coffee", "790")
}

fn add_a_new_one(store: &mut Store) -> io::Result<()> {
    store.set("products", "tea coffee cocoa")?;
    store.set("price.cocoa", "520")
}
