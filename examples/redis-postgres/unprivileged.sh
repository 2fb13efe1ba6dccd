#!/bin/sh
# unprivileged.sh COMMAND...: runs it as it is; for root, as user `postgres`, who gets the data folder.
set -eu

if [ "$(id -u)" != 0 ]; then
    exec "$@"
fi

mkdir -p "$DATA/postgres"
chown postgres: "$DATA/postgres"
if ! setpriv --reuid postgres --regid postgres --init-groups test -x "$DATA/postgres"; then
    echo "user postgres cannot reach $DATA/postgres: set DATA to a folder that it can, such as /var/tmp/example" >&2
    exit 1
fi
# The current folder may be out of its reach too.
cd "$DATA/postgres"
exec setpriv --reuid postgres --regid postgres --init-groups "$@"
