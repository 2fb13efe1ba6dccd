//! `tspm version`: of this program, and of the supervisor that runs.

use serde_json::json;

use crate::api::client::{Client, ClientError};
use crate::api::wire::{SCHEMA_VERSION, Version};
use crate::cli::args::JsonArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::out;

/// Prints both; a project that is not there is no error.
pub(crate) async fn run(context: &Context, args: &JsonArgs) -> Result<Exit, CliError> {
    let tspm = env!("CARGO_PKG_VERSION");
    let running = running(context).await;
    if args.json {
        let supervisor = match &running {
            Some(Ok(version)) => json!(version),
            Some(Err(ClientError::Version { theirs })) => json!({"schema_version": theirs}),
            Some(Err(_)) | None => json!(null),
        };
        out::print_json(&json!({"schema_version": SCHEMA_VERSION, "tspm": tspm, "supervisor": supervisor}));
        return Ok(Exit::Done);
    }
    out::print(&format!("tspm {tspm} (API version {SCHEMA_VERSION})\n"));
    match running {
        Some(Ok(version)) if version.tspm != tspm => {
            out::print(&format!(
                "the running supervisor is tspm {}: `tspm down` and `tspm up` to update it\n",
                version.tspm
            ));
        }
        Some(Err(error @ ClientError::Version { .. })) => out::note(&error.to_string()),
        Some(_) | None => {}
    }
    Ok(Exit::Done)
}

async fn running(context: &Context) -> Option<Result<Version, ClientError>> {
    let home = context.home().ok()?;
    let client = Client::connect(&home.place).await.ok()?;
    Some(client.get("/v1/version").await)
}
