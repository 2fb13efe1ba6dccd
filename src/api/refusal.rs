//! Refusals as clients see them: a stable code, what happened, what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::core::Denied;
use crate::supervisor::{Gone, Refusal};

use super::wire::Problem;

/// A refusal with its status.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    problem: Problem,
}

impl Refused {
    fn new(status: StatusCode, code: &str, message: String, hint: Option<&str>) -> Self {
        let problem = Problem { code: code.to_owned(), message, hint: hint.map(str::to_owned) };
        Self { status, problem }
    }

    pub(super) fn bad(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message.to_owned(), None)
    }

    pub(super) fn unknown_service(name: &str) -> Self {
        let message = format!("no service is called `{name}`");
        Self::new(StatusCode::NOT_FOUND, "unknown-service", message, Some("tspm ps lists them"))
    }

    pub(super) fn unknown_route() -> Self {
        let hint = Some("the client and the supervisor are of different versions: run tspm down, then tspm up");
        Self::new(StatusCode::NOT_FOUND, "version", "the supervisor does not know this request".to_owned(), hint)
    }
}

impl From<Gone> for Refused {
    fn from(gone: Gone) -> Self {
        Self::new(StatusCode::CONFLICT, "shutting-down", gone.to_string(), Some("wait for tspm down to finish"))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Denied(Denied::UnknownService(name)) => Self::unknown_service(name.as_str()),
            Refusal::Denied(Denied::Disabled(_)) => Self::new(StatusCode::CONFLICT, "disabled", text, None),
            Refusal::Denied(Denied::ShuttingDown) => Self::new(StatusCode::CONFLICT, "shutting-down", text, None),
            Refusal::BadProject(report) => {
                Self::new(StatusCode::BAD_REQUEST, "bad-project", report.render(false), None)
            }
            Refusal::NoPort(_) => Self::new(StatusCode::CONFLICT, "no-port", text, None),
            Refusal::Gone(gone) => gone.into(),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}
