#!/usr/bin/env bash
# api-fuzz.sh   schemathesis over docs/openapi.json against the real program, as nobody and as every role
# that can be given: no 5xx, every answer as the document says. What it finds is in target/api-fuzz.
# API_FUZZ_SEED=N (1) repeats a run; API_FUZZ_SECONDS=N (120) is for all roles together.
. "$(dirname "$0")/lib.sh"
scripts/need.sh python node
need_program
guanxi=$target/debug/guanxi

# The tool, with exact versions, in a folder of its own below the target.
mkdir -p "$target/api-fuzz"
out=$(cd "$target/api-fuzz" && pwd)
venv=$out/venv
wanted=tests/api-fuzz/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  limited 600 "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$wanted"
  cp "$wanted" "$venv/installed.txt"
fi

rm -rf "$out"/*.log "$out/.schemathesis"
data=$(mktemp -d)
server=
end_server() {
  local status=$?
  end_child
  [ -z "$server" ] || { kill -KILL "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$data"
  exit "$status"
}
trap end_server EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export GUANXI_DATA=$data/data GUANXI_KEY=KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=
unset GUANXI_DATABASE_URL
email=fuzz@example.com
echo 'a long password' | "$guanxi" user add --email "$email" --role owner >"$out/made.log" 2>&1
"$guanxi" bench generate-export --orders 300 --out "$data/orders.csv" >>"$out/made.log" 2>&1
"$guanxi" import --shop 茶叶店 "$data/orders.csv" >>"$out/made.log" 2>&1
token() { "$guanxi" token create --name fuzz --email "$email" "$@" 2>>"$out/made.log"; }

"$guanxi" serve --listen 127.0.0.1:0 --requests-per-second 0 >"$out/server.log" 2>&1 &
server=$!
until url=$(sed -n 's/^Guanxi listens on //p' "$out/server.log") && [ -n "$url" ]; do
  kill -0 "$server" || fail "$(cat "$out/server.log")"
  sleep 0.2
done
owner=$(token)
until curl_ready=$(node -e 'fetch(process.argv[1]).then((r) => console.log(r.ok), () => {})' "$url/readyz") && [ "$curl_ready" = true ]; do
  kill -0 "$server" || fail "$(cat "$out/server.log")"
done

roles=$(node -e '
  fetch(process.argv[1] + "/api/v1/identity/roles?limit=200", { headers: { authorization: "Bearer " + process.argv[2] } })
    .then((r) => r.json()).then(({ items }) => console.log(items.map((role) => role.name).join("\n")))' "$url" "$owner")
[ "$(wc -w <<<"$roles")" -ge 10 ] || fail "these are not all roles: $roles"

# A third of the time for the owner, who reaches everything; the rest for the others.
all=${API_FUZZ_SECONDS:-120}
count=$(wc -w <<<"$roles")
found=0
# One worker: several threads that parse Python at once break CPython 3.11.
fuzz() { # NAME SECONDS [HEADER]
  local name=$1 seconds=$2 header=()
  shift 2
  [ $# = 0 ] || header=(-H "$1")
  local status=0
  # Its own notes stay below the target, too.
  cd "$out"
  limited $((seconds + 120)) "$venv/bin/schemathesis" run "$top/docs/openapi.json" --url "$url" "${header[@]}" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    --exclude-path /api/v1/events --phases examples,coverage,fuzzing --workers 1 --max-time "$seconds" \
    --seed "${API_FUZZ_SEED:-1}" --generation-database none --suppress-health-check all \
    --continue-on-failure --warnings off --no-color >"$out/$name.log" 2>&1 || status=$?
  cd "$top"
  say "$name: $(grep -E '^ *[0-9]+ generated' "$out/$name.log" || echo 'no cases')"
  [ "$status" = 0 ] || { found=1; sed -n '/= FAILURES =/,/= SUMMARY =/p;/= ERRORS =/,/= SUMMARY =/p' "$out/$name.log" >&2; }
  grep -qE '^ *[1-9][0-9]* generated' "$out/$name.log" || { found=1; tail -n 20 "$out/$name.log" >&2; }
  kill -0 "$server" 2>/dev/null || fail "the server ended: $(tail -n 20 "$out/server.log")"
}
most=$((all / 3))
# With less a slow machine has read the document and no more.
[ "$most" -ge 20 ] || most=20
fuzz owner "$most" "Authorization: Bearer $owner"
each=$((all * 2 / 3 / count))
[ "$each" -ge 6 ] || each=6
for role in $roles; do
  [ "$role" = owner ] || fuzz "$role" "$each" "Authorization: Bearer $(token --role "$role")"
done
fuzz nobody "$each"

if grep -E ' ERROR |panicked' "$out/server.log" >&2; then found=1; fi
"$guanxi" verify >"$out/verify.log" 2>&1 || { found=1; grep BROKEN "$out/verify.log" >&2; }
[ "$found" = 0 ] || fail "the program does not keep to docs/openapi.json; the logs are in $out"
