#!/bin/sh
# A CI job: the services up, the tests, everything down again, whatever happens in between.
set -eu
cd "$(dirname "$0")"

finish() {
    status=$?
    trap - EXIT
    if [ "$status" != 0 ]; then
        tspm ps || true
        tspm logs -n 100 || true
    fi
    # Fails the job if a process is left.
    tspm down --timeout 5s || status=$?
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# -d returns when everything is ready, and fails with what is not.
tspm up -d --wait-timeout 1m
# Services that a test starts later are waited for like this.
tspm wait counter --timeout 10s

python3 test.py
