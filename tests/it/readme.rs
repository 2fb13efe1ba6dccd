//! What the README tells people to type works, in the order in which it stands there.

use std::fs;

use crate::copies;
use crate::support::{Project, Signal};

/// A block of commands.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// The line it begins at.
    line: usize,
    /// What is typed.
    script: String,
    /// The exit code that the README states for it, in a comment before it.
    code: i32,
}

#[test]
fn the_tour_works() {
    let Some(shop) = copies::shop() else { return };
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("there is one");
    let blocks = blocks(&readme);
    assert!(blocks.len() > 10, "the README has its tour");
    for block in blocks {
        run(&shop, &block);
    }
    shop.wait_empty();
}

fn run(shop: &Project, block: &Block) {
    let mut rest = String::from("set -eu\n");
    for line in block.script.lines() {
        match line {
            "cargo run --release -- up" => up_and_interrupt(shop),
            // This is running already, and that would write into the home of whoever runs it.
            "cargo test" | "cargo install --path ." => (),
            _ => rest.extend([line, "\n"]),
        }
    }
    let ran = shop.shell(&rest);
    assert_eq!(ran.code, Some(block.code), "line {} of the README: {ran}", block.line);
}

/// The first command of all: it shows the shop's own words, and Ctrl-C takes everything down.
fn up_and_interrupt(shop: &Project) {
    let up = shop.spawn("up");
    up.wait_stdout("the shop is open at http://127.0.0.1:");
    up.signal(Signal::SIGINT);
    up.wait().code(130);
    shop.wait_empty();
}

/// The `sh` blocks of a Markdown text.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut code = 0;
    let mut open: Option<Block> = None;
    for (index, line) in markdown.lines().enumerate() {
        match (&mut open, line) {
            (None, "```sh") => open = Some(Block { line: index + 1, script: String::new(), code }),
            (None, _) => {
                let stated = line.strip_prefix("<!-- exits ").and_then(|rest| rest.strip_suffix(" -->"));
                code = stated.map_or(0, |number| number.parse().expect("an exit code is a number"));
            }
            (Some(_), "```") => {
                blocks.extend(open.take());
                code = 0;
            }
            (Some(block), _) => {
                block.script.push_str(line);
                block.script.push('\n');
            }
        }
    }
    assert_eq!(open, None, "a block is not closed");
    blocks
}

#[test]
fn blocks_are_found() {
    let markdown = "text\n```sh\none\ntwo\n```\n```yaml\nno: no\n```\n<!-- exits 2 -->\n```sh\nthree\n```\n";
    let block = |line, script: &str, code| Block { line, script: script.to_owned(), code };
    assert_eq!(blocks(markdown), [block(2, "one\ntwo\n", 0), block(10, "three\n", 2)]);
}
