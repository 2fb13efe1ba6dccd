//! Takes orders from the queue and ships them. Any number of workers may run.
//!
//! When the store goes away it ends with an error: to start it again is its supervisor's job.
//!
//! Settings: `STORE`, the store's `host:port`; `WORKER`, its name.

use std::io;
use std::process::ExitCode;

use tspm_example_shop::store::Store;
use tspm_example_shop::{run, setting};

/// How long one question to the queue may take, in seconds.
const PATIENCE: u64 = 30;

fn main() -> ExitCode {
    run(work)
}

fn work() -> io::Result<()> {
    let worker = setting("WORKER")?;
    let mut store = Store::connect(&setting("STORE")?)?;
    println!("waiting for orders");
    loop {
        if let Some(id) = store.pop("to-ship", PATIENCE)? {
            let product = store.get(&format!("order.{id}.product"))?.unwrap_or_default();
            store.set(&format!("order.{id}.state"), &format!("shipped by {worker}"))?;
            println!("order {id}: {product} shipped");
        }
    }
}
