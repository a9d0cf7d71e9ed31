#!/usr/bin/env bash
# Runs a command with an ephemeral PostgreSQL cluster; its URL is in GUANXI_TEST_POSTGRES.
#   scripts/with-postgres.sh cargo nextest run
# The cluster listens on a socket and a free loopback port, keeps nothing, and ends with the command.
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb 2>/dev/null || echo /nonexistent/initdb)")
[ -x "$bin/initdb" ] || { echo "PostgreSQL is not installed; run scripts/need.sh postgres" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/guanxi-pg.XXXXXX")
run=()
if [ "$(id -u)" = 0 ]; then
    # The server refuses to run as root.
    id postgres >/dev/null 2>&1 || { echo "there is no user 'postgres' to run the server as" >&2; exit 1; }
    chown postgres "$folder"
    run=(setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups)
fi
stop() {
    (cd / && "${run[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1) || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])' 2>/dev/null || echo 54329)
(
    cd /
    "${run[@]}" "$bin/initdb" -D "$folder/data" -U guanxi --auth=trust -E UTF8 --locale=C.UTF-8 >"$folder/initdb.log" 2>&1 \
        || { cat "$folder/initdb.log" >&2; exit 1; }
    "${run[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/data/server.log" -o "-h 127.0.0.1 -p $port -k $folder \
        -c fsync=${GUANXI_PG_FSYNC:-off} -c full_page_writes=${GUANXI_PG_FSYNC:-off} -c max_connections=300 -c shared_buffers=${GUANXI_PG_BUFFERS:-128MB} \
        -c max_wal_size=2GB -c wal_keep_size=1GB ${GUANXI_PG_OPTIONS:-}" start >/dev/null
)
export GUANXI_TEST_POSTGRES="postgres://guanxi@127.0.0.1:$port"
# For the test that stops a cluster of its own.
export GUANXI_PG_FOLDER=$folder GUANXI_PG_CTL="${run[*]} $bin/pg_ctl"
"$@"
