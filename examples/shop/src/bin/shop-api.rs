//! The shop's API, JSON over HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | 200 if the store answers, else 503 and why |
//! | `GET /products` | names and prices, in cents |
//! | `GET /orders` | all orders and how far they are |
//! | `POST /orders`, `product=NAME` | 201 and the new order; a worker takes it from there |
//!
//! It connects to the store anew for each request, so a restart of the store costs it nothing.
//!
//! Settings: `PORT`; `STORE`, the store's `host:port`.

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;

use tspm_example_shop::http::{self, Request, Response};
use tspm_example_shop::store::Store;
use tspm_example_shop::{port, run, setting};

fn main() -> ExitCode {
    run(answer_all)
}

fn answer_all() -> io::Result<()> {
    let address = setting("STORE")?;
    let listener = TcpListener::bind(("127.0.0.1", port()?))?;
    println!("listening on {}", listener.local_addr()?);
    http::serve(&listener, move |request| {
        let response = Store::connect(&address).and_then(|mut store| answer(&mut store, request));
        response.unwrap_or_else(|error| Response::text(503, format!("{error}\n")))
    })
}

fn answer(store: &mut Store, request: &Request) -> io::Result<Response> {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/health") => store.ping().map(|()| Response::text(200, "ok\n")),
        ("GET", "/products") => products(store),
        ("GET", "/orders") => orders(store),
        ("POST", "/orders") => order(store, &request.body),
        (method, path) => Ok(Response::text(404, format!("there is no {method} {path} here\n"))),
    }
}

fn products(store: &mut Store) -> io::Result<Response> {
    let mut items = Vec::new();
    for name in names(store)? {
        let cents = store.get(&format!("price.{name}"))?.unwrap_or_default();
        items.push(format!(r#"{{"name":"{name}","cents":{cents}}}"#));
    }
    Ok(Response::json(200, format!("[{}]\n", items.join(","))))
}

fn orders(store: &mut Store) -> io::Result<Response> {
    let last = store.get("orders")?.map_or(Ok(0), |text| text.parse::<u64>()).map_err(io::Error::other)?;
    let mut items = Vec::new();
    for id in 1..=last {
        let product = store.get(&format!("order.{id}.product"))?.unwrap_or_default();
        let state = store.get(&format!("order.{id}.state"))?.unwrap_or_default();
        items.push(format!(r#"{{"id":{id},"product":"{product}","state":"{state}"}}"#));
    }
    Ok(Response::json(200, format!("[{}]\n", items.join(","))))
}

fn order(store: &mut Store, body: &str) -> io::Result<Response> {
    let Some(product) = body.trim().strip_prefix("product=") else {
        return Ok(Response::text(400, "say what you want: product=tea\n"));
    };
    if !names(store)?.iter().any(|name| name == product) {
        return Ok(Response::text(404, "we do not sell that\n"));
    }
    let id = store.increment("orders")?;
    store.set(&format!("order.{id}.product"), product)?;
    store.set(&format!("order.{id}.state"), "new")?;
    store.push("to-ship", &id.to_string())?;
    println!("order {id}: {product}");
    Ok(Response::json(201, format!("{{\"id\":{id},\"product\":\"{product}\",\"state\":\"new\"}}\n")))
}

fn names(store: &mut Store) -> io::Result<Vec<String>> {
    let names = store.get("products")?.ok_or_else(|| io::Error::other("the store is empty: run shop-migrate"))?;
    Ok(names.split(' ').map(str::to_owned).collect())
}
