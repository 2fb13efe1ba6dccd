//! The shop's front end: one page, and everything else handed on to the API.
//!
//! Settings: `PORT`; `API`, the API's `host:port`; `GREETING`, the first line of the page; `URL_FILE`, where the
//! shop's address is written for scripts.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::process::ExitCode;

use tspm_example_shop::http::{self, Request, Response};
use tspm_example_shop::{port, run, setting};

fn main() -> ExitCode {
    run(show)
}

fn show() -> io::Result<()> {
    let api = setting("API")?;
    let page = include_str!("../page.html").replace("GREETING", &setting("GREETING")?);
    let listener = TcpListener::bind(("127.0.0.1", port()?))?;
    let url = format!("http://{}", listener.local_addr()?);
    fs::write(setting("URL_FILE")?, format!("{url}\n"))?;
    println!("the shop is open at {url}");

    http::serve(&listener, move |request: &Request| {
        if request.method == "GET" && request.path == "/" {
            return Response::html(page.as_str());
        }
        let response = http::fetch(&api, request);
        response.unwrap_or_else(|error| Response::text(502, format!("the API does not answer: {error}\n")))
    })
}
