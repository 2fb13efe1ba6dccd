//! `tspm check`: all mistakes of the project file at once.

use serde_json::json;

use crate::api::wire::SCHEMA_VERSION;
use crate::cli::args::CheckArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::out;
use crate::cli::render::units::count;
use crate::config::{Level, Problem, Report};

/// Prints what is wrong. Exit code 2 for errors; warnings alone are no failure.
pub(crate) fn run(context: &Context, args: &CheckArgs) -> Result<Exit, CliError> {
    match context.read_quietly() {
        Ok((bundle, loaded)) if args.json => {
            let files: Vec<_> = bundle.sources.iter().map(|(path, _)| path).collect();
            out::print_json(&json!({
                "schema_version": SCHEMA_VERSION,
                "ok": true,
                "files": files,
                "services": loaded.project.services.len(),
                "problems": problems(&loaded.warnings),
            }));
            Ok(Exit::Done)
        }
        Ok((bundle, loaded)) => {
            let warnings = loaded.warnings.problems.len();
            if warnings > 0 {
                out::note(loaded.warnings.render(context.paint_err.is_on()).trim_end());
            }
            let file =
                bundle.sources.first().map_or_else(|| "it".to_owned(), |(path, _)| path.display().to_string());
            let but = if warnings > 0 { format!(", {}", count(warnings, "warning")) } else { String::new() };
            let services = count(loaded.project.services.len(), "service");
            out::print(&format!("{} {file} is sound: {services}{but}\n", context.paint.good("✔")));
            Ok(Exit::Done)
        }
        Err(CliError::Report(report)) if args.json => {
            out::print_json(
                &json!({"schema_version": SCHEMA_VERSION, "ok": false, "problems": problems(&report)}),
            );
            Ok(Exit::Usage)
        }
        Err(error) => Err(error),
    }
}

fn problems(report: &Report) -> Vec<serde_json::Value> {
    report.problems.iter().map(problem).collect()
}

fn problem(problem: &Problem) -> serde_json::Value {
    let level = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let place = problem.place.as_ref();
    json!({
        "level": level,
        "code": problem.code,
        "message": problem.message,
        "file": place.map(|place| place.file.clone()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "notes": problem.notes,
        "help": problem.help,
    })
}
