#!/usr/bin/env bash
# e2e.sh   the real program and a real browser: serves a fresh data folder on a free loopback port
# and runs web/e2e against it. Pages, pictures and the server's log stay in target/e2e.
# ORDERS=N (2000) says how large the file to import is.
. "$(dirname "$0")/lib.sh"
scripts/need.sh chromium fonts node
scripts/web.sh install
scripts/web.sh build
scripts/web.sh oidc
need_program
guanxi=$target/debug/guanxi

shopt -s nullglob
specs=(web/e2e/*.spec.mjs)
[ ${#specs[@]} -gt 0 ] || specs=(web/e2e/*.mjs)
[ ${#specs[@]} -gt 0 ] || fail "web/e2e has no *.mjs to run"

out=$target/e2e
rm -rf "$out"
mkdir -p "$out"
data=$(mktemp -d)
server=
end_server() {
  local status=$? tries=0
  end_child
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    while kill -0 "$server" 2>/dev/null && [ $((tries += 1)) -le 75 ]; do sleep 0.2; done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$data"
  [ "$status" = 0 ] || { say "server's last words:"; tail -n 40 "$out/server.log" >&2 || true; }
  exit "$status"
}
trap end_server EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port=$(node -e '
  const server = require("node:net").createServer();
  server.listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close(); });')
export BASE_URL=http://127.0.0.1:$port
export GUANXI_EMAIL=owner@example.com
GUANXI_PASSWORD=$(node -p 'require("node:crypto").randomBytes(12).toString("base64url")')
export GUANXI_PASSWORD
export EXPORT_FILE=$out/ExportOrderList.csv
export OUT_DIR=$out
# The names web/e2e knows them by.
export EMAIL=$GUANXI_EMAIL PASSWORD=$GUANXI_PASSWORD IMPORT_FILE=$EXPORT_FILE SHOTS=$out

printf '%s\n' "$GUANXI_PASSWORD" |
  limited 60 "$guanxi" user add --email "$GUANXI_EMAIL" --role owner --data "$data"
limited 120 "$guanxi" bench generate-export --orders "${ORDERS:-2000}" --out "$EXPORT_FILE"

# A provider of sign-in listens here, too.
"$guanxi" serve --listen "127.0.0.1:$port" --data "$data" --outbound-allow 127.0.0.0/8 >"$out/server.log" 2>&1 &
server=$!
limited 60 node -e '
  const ready = () => fetch(process.env.BASE_URL + "/readyz").then((r) => r.ok, () => false);
  (async () => { while (!(await ready())) await new Promise((go) => setTimeout(go, 100)); })();' ||
  fail "the server was not ready within 60 s"
kill -0 "$server" || fail "the server ended early"

for spec in "${specs[@]}"; do
  say "$spec"
  limited 600 node --test "$spec"
done
