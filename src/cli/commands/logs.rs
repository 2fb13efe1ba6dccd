//! `tspm logs`: what services print, merged in time order. Reads the files: no supervisor and no sound project file
//! is needed.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::api::client::Client;
use crate::api::wire::State;
use crate::cli::args::{LogsArgs, StreamArg};
use crate::cli::context::{Context, Home};
use crate::cli::error::{CliError, Trouble};
use crate::cli::exit::Exit;
use crate::cli::render::log::{self, Style};
use crate::cli::select::Catalog;
use crate::cli::tail::Tail;
use crate::cli::{out, when};
use crate::logs::{self, Query, Stream, Target};
use crate::sys::clock;

/// A supervisor that does not answer must not keep people from its services' logs.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows what there is, and with `-f` what comes.
pub(crate) fn run(context: &Context, args: &LogsArgs) -> Result<Exit, CliError> {
    let home = context.home()?;
    let query = query(args, clock::wall_now_ns())?;
    let sources = Sources::find(context, &home);
    let files = sources.select(&args.select.select)?;
    let style = style(args, files.iter().map(|(name, _)| name.len()).max().unwrap_or(0));
    if args.follow {
        let targets = sources.targets(&home, &args.select.select, files);
        return super::block_on(super::interruptible(follow(context, targets, query, &style)));
    }
    let mut lines = logs::read(&files, &query);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    for line in lines.by_ref() {
        if out.write_all(&log::line(&line, &style, context.paint)).is_err() {
            return Ok(Exit::Done);
        }
    }
    let _ = out.flush();
    let mut exit = Exit::Done;
    for (path, error) in lines.problems() {
        out::note(&format!("`{}` cannot be read: {error}", path.display()));
        exit = Exit::Failed;
    }
    Ok(exit)
}

async fn follow(context: &Context, targets: Vec<Target>, query: Query, style: &Style) -> Result<Exit, CliError> {
    let mut tail = Tail::start(targets, query)?;
    let mut gone = std::pin::pin!(out::reader_gone());
    loop {
        let line = tokio::select! {
            line = tail.next() => line,
            () = &mut gone => None,
        };
        let Some(line) = line else { break };
        let mut bytes = log::line(&line, style, context.paint);
        while let Some(line) = tail.ready() {
            bytes.extend_from_slice(&log::line(&line, style, context.paint));
        }
        if !out::print_bytes(&bytes) {
            break;
        }
    }
    Ok(Exit::Done)
}

fn query(args: &LogsArgs, now_ns: i64) -> Result<Query, CliError> {
    let zone = TimeZone::system();
    let nanos = |when: &when::When| when.nanos(now_ns, &zone);
    let grep = args.grep.as_deref().map(regex::bytes::Regex::new).transpose().map_err(|error| {
        Trouble::new(Exit::Usage, format!("`--grep` is not a valid regular expression: {error}"))
    })?;
    Ok(Query {
        since_ns: args.since.as_ref().map(nanos),
        until_ns: args.until.as_ref().map(nanos),
        last: args.lines,
        grep,
        stream: args.stream.map(|stream| match stream {
            StreamArg::Stdout => Stream::Stdout,
            StreamArg::Stderr => Stream::Stderr,
        }),
        previous: args.previous,
    })
}

fn style(args: &LogsArgs, width: usize) -> Style {
    if args.json {
        return Style::Json;
    }
    Style::Text { names: (!args.no_prefix).then_some(width), times: args.timestamps.then(TimeZone::system) }
}

/// Which logs there are, and what can be selected.
struct Sources {
    /// Services of the project; empty where nothing tells which these are.
    known: Catalog,
    /// These, and services that are no more but have left a log.
    catalog: Catalog,
    /// Logs by instance name.
    paths: BTreeMap<String, PathBuf>,
}

impl Sources {
    /// From the running project where there is one, else from the project file if it can be read; and from the folder.
    fn find(context: &Context, home: &Home) -> Self {
        let mut paths: BTreeMap<String, PathBuf> = logs::discover(&home.place.logs()).into_iter().collect();
        let running = super::block_on(async {
            let ask = async { Client::connect(&home.place).await.ok()?.get::<State>("/v1/state").await.ok() };
            Ok(tokio::time::timeout(PATIENCE, ask).await.ok().flatten())
        });
        let known = if let Ok(Some(state)) = running {
            for view in &state.services {
                if let Some(path) = &view.log_file {
                    paths.insert(view.name.clone(), PathBuf::from(path));
                }
            }
            Catalog::of_state(&state)
        } else if let Ok((_, loaded)) = context.read_quietly() {
            for service in loaded.project.services.values() {
                if let Some(dir) = &service.logs.dir {
                    let instance = crate::model::InstanceId::first(service.name.clone());
                    paths.insert(service.name.to_string(), logs::path_of(dir, &instance));
                }
            }
            Catalog::of_project(&loaded.project)
        } else {
            Catalog::default()
        };
        Self { catalog: known.clone().with_names(paths.keys()), known, paths }
    }

    /// Name and file of what `terms` select.
    fn select(&self, terms: &[String]) -> Result<Vec<(String, PathBuf)>, CliError> {
        let from = if terms.is_empty() && !self.known.entries().is_empty() { &self.known } else { &self.catalog };
        let chosen = from.select(terms)?;
        Ok(chosen.into_iter().filter_map(|entry| self.paths.get_key_value(&entry.name)).map(clone).collect())
    }

    /// What `-f` follows: without a selection also services that appear later.
    fn targets(&self, home: &Home, terms: &[String], files: Vec<(String, PathBuf)>) -> Vec<Target> {
        let dir = home.place.logs();
        if !terms.is_empty() {
            let named = self.catalog.select(terms).unwrap_or_default();
            let path =
                |name: &String| self.paths.get(name).cloned().unwrap_or_else(|| dir.join(format!("{name}.log")));
            return named.iter().map(|e| Target::File { name: e.name.clone(), path: path(&e.name) }).collect();
        }
        let elsewhere = files.into_iter().filter(|(_, path)| path.parent() != Some(&*dir));
        let elsewhere = elsewhere.map(|(name, path)| Target::File { name, path });
        std::iter::once(Target::Dir(dir.clone())).chain(elsewhere).collect()
    }
}

fn clone((name, path): (&String, &PathBuf)) -> (String, PathBuf) {
    (name.clone(), path.clone())
}
