#!/usr/bin/env bash
# freeze.sh GUANXI   keeps data of a released version for tests/upgrade: GUANXI is the program of that
# version. It makes its demonstration shop in SQLite and in PostgreSQL, some work is done in it, and
# both, with the key and what the program says of them, go into tests/upgrade/VERSION.zip.
. "$(dirname "$0")/lib.sh"
[ -n "${GUANXI_TEST_POSTGRES:-}" ] || exec scripts/with-postgres.sh "$0" "$@"
guanxi=${1:?usage: freeze.sh GUANXI}
version=$("$guanxi" --version | cut -d ' ' -f 2)
out=$top/tests/upgrade/$version.zip
[ ! -e "$out" ] || fail "$out is there already; what is frozen is not made anew"
pg=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

folder=$(mktemp -d)
server=
clean() {
  local status=$?
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  rm -rf "$folder"
  exit "$status"
}
trap clean EXIT

# 32 times '*': everybody may read what was invented.
GUANXI_KEY=KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=
export GUANXI_KEY
url=$GUANXI_TEST_POSTGRES/frozen_$$
"$pg/psql" -q "$GUANXI_TEST_POSTGRES/postgres" -c "CREATE DATABASE frozen_$$"

# Notes, tags and a merge, through the interface as people do them.
work() { # URL
  node -e '
    const api = process.argv[1] + "/api/v1";
    (async () => {
      let response = await fetch(api + "/identity/sessions", { method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email: "demo@example.com", password: "guanxi-demo" }) });
      const cookie = response.headers.get("set-cookie").split(";")[0];
      const ask = async (method, path, body) => {
        const answer = await fetch(api + path, { method, headers: { cookie, "content-type": "application/json" },
          body: body && JSON.stringify(body) });
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
        return answer.json();
      };
      const { items } = await ask("GET", "/customers?limit=6");
      const tag = await ask("POST", "/customers/tags", { name: "frozen", colour: "blue" });
      await ask("PUT", `/customers/${items[0].id}/tags`, { tags: [tag.id] });
      await ask("POST", `/customers/${items[1].id}/notes`, { text: "asked for green tea" });
      await ask("POST", "/customers/merges", { keep: items[2].id, absorb: items[3].id });
      await ask("POST", "/customers/views", { page: "customers", name: "mine", query: "tier=champions", shared: true });
    })().catch((error) => { console.error(error); process.exit(1); });' "$1"
}

make() { # NAME OPTIONS…
  local name=$1 address=
  shift
  "$guanxi" demo --customers 60 --data "$folder/$name" --listen 127.0.0.1:0 "$@" 2>"$folder/$name.log" >/dev/null &
  server=$!
  until address=$(sed -n 's/^Guanxi listens on //p' "$folder/$name.log") && [ -n "$address" ]; do
    kill -0 "$server" || fail "$(cat "$folder/$name.log")"
    sleep 0.2
  done
  work "$address"
  kill -TERM "$server"
  wait "$server"
  server=
  "$guanxi" verify --data "$folder/$name" "$@" --json >"$folder/$name-verify.json"
  "$guanxi" rfm --as-of 2030-01-01 --data "$folder/$name" "$@" --json >"$folder/$name-rfm.json"
}
make sqlite
make postgres --database-url "$url"
"$pg/pg_dump" --inserts --rows-per-insert=200 --no-owner --no-privileges "$url" | grep -v '^\\' >"$folder/postgres.sql"
[ ! -e "$folder/sqlite/guanxi.db-wal" ] || fail "the program left a log beside its database"
mv "$folder/sqlite/guanxi.db" "$folder/guanxi.db"
printf '%s\n' "$GUANXI_KEY" >"$folder/key.txt"
(cd "$folder" && python3 -m zipfile -c "$out" guanxi.db postgres.sql key.txt sqlite-rfm.json postgres-rfm.json)
say "made $out"
