//! Single values. Where a value is no string, a string with a variable in it may stand for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A string type with a pattern or an example of its own.
macro_rules! value {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(super) struct $name(#[expect(dead_code, reason = "only its schema is used")] String);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

value! {
    /// `10s`.
    Duration, {
        "description": "A duration with its unit: `500ms`, `10s`, `1m30s`, `2h`.",
        "type": "string",
        "pattern": "^([0-9]+(\\.[0-9]+)?(d|h|ms|m|s|us|ns))+$|\\$",
        "examples": ["500ms", "10s", "1m30s"],
    }
}

value! {
    /// `10s` or `off`.
    DurationOrOff, {
        "description": "A duration with its unit (`500ms`, `10s`, `1m30s`, `2h`), or `off`.",
        "type": "string",
        "pattern": "^([0-9]+(\\.[0-9]+)?(d|h|ms|m|s|us|ns))+$|^off$|\\$",
        "examples": ["10s", "off"],
    }
}

value! {
    /// `10MiB`.
    Size, {
        "description": "A size with its unit: `512MiB`, `1GB`.",
        "type": "string",
        "pattern": "^[0-9]+(\\.[0-9]+)?(B|[kKMGT]B|[KMGT]iB)$|\\$",
        "examples": ["10MiB", "1GB"],
    }
}

value! {
    /// `true`, or a variable.
    Flag, {
        "description": "true or false.",
        "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "\\$"}],
    }
}

value! {
    /// A whole number, or a variable.
    Count, {
        "description": "A whole number.",
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "\\$"}],
    }
}

value! {
    /// A number, or a variable.
    Factor, {
        "description": "A number from 1 to 100.",
        "anyOf": [{"type": "number", "minimum": 1, "maximum": 100}, {"type": "string", "pattern": "\\$"}],
    }
}

value! {
    /// Whatever is text in the end.
    Scalar, {
        "description": "A string. Numbers and booleans are taken as they are written.",
        "type": ["string", "number", "boolean"],
    }
}

value! {
    /// `8080`, `auto`, or a variable.
    PortNumber, {
        "description": "A port from 1 to 65535, or `auto`: a free one is found and kept.",
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 65535},
            {"type": "string", "pattern": "^auto$|^[1-9][0-9]{0,4}$|\\$"},
        ],
    }
}

value! {
    /// `SIGTERM`.
    Signal, {
        "description": "A signal by name or number.",
        "anyOf": [
            {"type": "string", "examples": ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"]},
            {"type": "integer", "minimum": 1, "maximum": 64},
        ],
    }
}

value! {
    /// `NAME=value`.
    Assignment, {"type": "string", "pattern": "^[^=\\s]+=", "examples": ["NAME=value"]}
}

/// A map of names to `T`. Keys that begin with `x-` are free.
pub(super) struct Named<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "patternProperties": {
                "^x-": true,
                "^(?!x-)[A-Za-z0-9][A-Za-z0-9_-]{0,62}$": generator.subschema_for::<T>(),
            },
            "additionalProperties": false,
        })
    }
}

/// Text pairs.
pub(super) type Pairs = BTreeMap<String, Scalar>;

/// A map or a list of `NAME=value`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Env {
    /// Names and values.
    Map(Pairs),
    /// `NAME=value`, one by one.
    List(Vec<Assignment>),
}

/// Files with variables.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum EnvFiles {
    /// One file.
    One(EnvFile),
    /// Several, the later ones winning. An empty list at top level: `.env` is not read.
    List(Vec<EnvFile>),
}

/// A file with variables.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum EnvFile {
    /// Its path.
    Path(String),
    /// Its path and more.
    Full(EnvFileBody),
}

/// A file with variables.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("patternProperties" = {"^x-": true}))]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct EnvFileBody {
    /// The file, relative to the project file.
    path: String,
    /// false: it need not exist. Default: true.
    required: Option<Flag>,
    /// true: values are taken literally, with their quotes and dollars. Default: false.
    raw: Option<Flag>,
}

/// A command.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Command {
    /// For the shell, as it stands; only `${vars.…}`, `${project.…}` and `${service.…}` are replaced.
    Script(String),
    /// A program and its arguments, without a shell; `${NAME}` is the service's variable.
    Argv(#[schemars(length(min = 1))] Vec<Scalar>),
}
