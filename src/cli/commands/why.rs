//! `tspm why`: why a service is in the state it is in.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::api::wire::{Detail, ServiceView};
use crate::cli::args::DescribeArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::render::trouble::LOG_LINES;
use crate::cli::select::Catalog;
use crate::cli::{out, render};
use crate::logs;

/// One explanation per selected service; with `--json` one object per line.
pub(crate) async fn run(context: &Context, args: &DescribeArgs) -> Result<Exit, CliError> {
    let (client, state) = context.state().await?;
    let catalog = Catalog::of_state(&state);
    for (index, entry) in catalog.select(&args.select)?.into_iter().enumerate() {
        let detail: Detail = client.get(&format!("/v1/services/{}", entry.name)).await?;
        let text = if args.json {
            out::json_line(&detail)
        } else {
            let log = if needs_log(&detail.view) { log_tail(&detail.view) } else { Vec::new() };
            let gap = if index > 0 { "\n" } else { "" };
            let text = render::why::text(&detail, state.now_ms, &log, &TimeZone::system(), context.paint);
            format!("{gap}{text}")
        };
        out::print(&text);
    }
    Ok(Exit::Done)
}

/// What a service that is well prints is in `tspm logs`.
fn needs_log(view: &ServiceView) -> bool {
    match view.state.as_str() {
        "ready" => view.health.as_deref() == Some("unhealthy"),
        "completed" | "disabled" | "skipped" | "pending" => false,
        _ => true,
    }
}

/// The last lines of a service's log.
pub(crate) fn log_tail(view: &ServiceView) -> Vec<String> {
    view.log_file.as_deref().map_or_else(Vec::new, |path| logs::last_lines(Path::new(path), LOG_LINES))
}
