# `just` lists these.
default:
    @just --list

# Everything that CI checks.
ci:
    bash .ci/run

# The example shop, attached.
up:
    cargo run --release -- up

# All tests.
test:
    cargo test

# The figures of tspm beside those of the machine's floor.
bench:
    cargo bench

# The JSON Schema of the project file, from the types.
schema:
    cargo run --quiet -- schema > schema/tspm.schema.json
