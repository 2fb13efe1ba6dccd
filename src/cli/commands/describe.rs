//! `tspm describe`: everything about a service.

use jiff::tz::TimeZone;

use crate::api::wire::Detail;
use crate::cli::args::DescribeArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::select::Catalog;
use crate::cli::{out, render};

/// One block per selected service; with `--json` one object per line.
pub(crate) async fn run(context: &Context, args: &DescribeArgs) -> Result<Exit, CliError> {
    let (client, state) = context.state().await?;
    let catalog = Catalog::of_state(&state);
    for (index, entry) in catalog.select(&args.select)?.into_iter().enumerate() {
        let detail: Detail = client.get(&format!("/v1/services/{}", entry.name)).await?;
        let text = if args.json {
            out::json_line(&detail)
        } else {
            let gap = if index > 0 { "\n" } else { "" };
            let text = render::describe::text(&detail, state.now_ms, &TimeZone::system(), context.paint);
            format!("{gap}{text}")
        };
        out::print(&text);
    }
    Ok(Exit::Done)
}
