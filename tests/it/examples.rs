//! Every example starts with one command, answers, and goes down with nothing left.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::copies;
use crate::support::Project;

const CURL: &str = "/usr/bin/curl";
const NODE: &str = "/usr/bin/node";
const PYTHON: &str = "/usr/bin/python3";

#[test]
fn the_shop_sells() {
    let Some(shop) = copies::shop() else { return };
    shop.up();
    for service in ["store", "api", "worker-1", "worker-2", "web"] {
        assert_eq!(shop.view(service)["state"], "ready", "{service}");
    }
    for oneshot in ["build", "migrate"] {
        assert_eq!(shop.view(oneshot)["state"], "completed", "{oneshot}");
    }

    let web = port(&shop, "web");
    assert!(ask(web, "GET", "/", "").contains("Welcome to the shop"));
    assert!(ask(web, "GET", "/products", "").contains(r#"{"name":"cocoa","cents":520}"#));
    assert!(ask(web, "POST", "/orders", "product=tea").contains(r#""state":"new""#));
    shop.wait_text("target/shop/data/store.log", "a shipped order", |text| text.contains("shipped by worker-"));
    assert!(ask(web, "POST", "/orders", "product=gold").contains(" 404 "));
    shop.down();

    // The store remembers, and the migration finds nothing to do.
    shop.up();
    assert!(ask(port(&shop, "web"), "GET", "/orders", "").contains(r#""product":"tea","state":"shipped by"#));
    shop.tspm("logs migrate -n 1").ok().says(&["the store is at version 2"]);
    shop.down();
}

#[test]
fn redis_and_postgres_are_seeded_once() {
    let pg = newest_postgres();
    let needs = [pg.join("postgres"), "/usr/bin/redis-server".into(), "/usr/bin/psql".into()];
    let Some(servers) = copies::example("redis-postgres", &needs.each_ref().map(PathBuf::as_path)) else { return };
    // The project's own folder is closed to user `postgres`.
    let data = tempfile::tempdir().expect("a temporary folder can be made");
    fs::set_permissions(data.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    let servers = servers.env("DATA", &data.path().to_string_lossy()).env("PG_BIN", &pg.to_string_lossy());

    for _ in 0..2 {
        servers.up();
        assert_eq!(servers.view("seed")["state"], "completed");
        let (sql, redis) = (port(&servers, "postgres"), port(&servers, "redis"));
        let count = format!("psql -At -h 127.0.0.1 -p {sql} -U shop postgres -c 'select count(*) from products'");
        assert_eq!(servers.shell(&count).ok().stdout, "2\n");
        assert_eq!(servers.shell(&format!("redis-cli -p {redis} get products")).ok().stdout, "2\n");
        servers.down();
    }
    assert!(!servers.log("postgres").contains("was not properly shut down"), "PostgreSQL had to recover");
}

#[test]
fn the_monorepo_follows_its_edges() {
    let Some(repo) = copies::example("monorepo", &[NODE, PYTHON, CURL].map(Path::new)) else { return };
    repo.up();
    let products = ask(port(&repo, "api"), "GET", "/products", "");
    assert!(
        products.contains(r#""shop":"The EUR shop""#) && products.contains(r#""tea":"4.50 EUR""#),
        "{products}"
    );
    // PAGE_SIZE, which is in the api's own file alone, is 2.
    assert!(!products.contains("cocoa"), "{products}");

    repo.tspm("up -d --profile report").ok();
    repo.tspm("logs report").ok().says(&["The EUR shop"]);

    let before = repo.pid("api");
    let mut watch = repo.watch();
    repo.tspm("restart pricing").ok();
    let again = |view: &serde_json::Value| view["state"] == "ready" && view["pid"] != before;
    watch.until("api", "ready again", again);
    repo.down();
}

#[test]
fn the_ci_job_cleans_up() {
    let Some(ci) = copies::example("ci", &[Path::new(PYTHON)]) else { return };
    ci.shell("./job.sh").ok().says(&["OK"]);
    ci.wait_empty();
}

#[test]
fn the_ci_job_tells_of_a_failure_and_cleans_up() {
    let Some(ci) = copies::example("ci", &[Path::new(PYTHON)]) else { return };
    ci.write("test.py", "raise SystemExit(7)\n");
    ci.shell("./job.sh").code(7).says(&["counter"]);
    ci.wait_empty();
}

#[test]
fn every_example_passes_the_check() {
    for name in ["redis-postgres", "monorepo", "ci"] {
        let project = copies::example(name, &[]).expect("it needs nothing to be checked");
        project.tspm("check").ok();
    }
}

/// The first port of a service.
fn port(project: &Project, service: &str) -> u16 {
    let view = project.view(service);
    let port = view["ports"][0]["port"].as_u64().and_then(|port| port.try_into().ok());
    port.unwrap_or_else(|| panic!("`{service}` has no port: {view}"))
}

/// An HTTP request and the whole answer to it.
fn ask(port: u16, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the service listens");
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("the service reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the service answers");
    answer
}

/// Debian's folder of the newest PostgreSQL, or where it would be.
fn newest_postgres() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    PathBuf::from(format!("/usr/lib/postgresql/{}/bin", newest.unwrap_or(15)))
}
