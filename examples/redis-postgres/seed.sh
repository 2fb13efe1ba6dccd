#!/bin/sh
# Puts the first rows into PostgreSQL and their number into Redis. Running it again changes nothing.
set -eu

psql -q -v ON_ERROR_STOP=1 <<'SQL'
set client_min_messages to warning;
create table if not exists products (name text primary key, cents integer not null);
insert into products values ('tea', 450), ('coffee', 790) on conflict do nothing;
SQL

count=$(psql -Atc 'select count(*) from products')
redis-cli -p "$REDIS_PORT" set products "$count" >/dev/null
echo "$count products"
