#!/usr/bin/env bash
# gen.sh [--check]   docs/openapi.json from the program, the TypeScript client from that, words of modules for the web.
# With --check changes nothing and fails when the committed files are not current.
. "$(dirname "$0")/lib.sh"
scripts/web.sh install
mkdir -p web/dist
need_program
fresh=$logs/openapi.json
limited 60 "$target/debug/guanxi" openapi >"$fresh"

if [ "${1:-}" = --check ]; then
  if ! diff -u docs/openapi.json "$fresh" | head -n 60; then
    fail "docs/openapi.json is not current: run \`make gen\` and commit the result"
  fi
  (cd web && npm run --silent gen -- --check)
else
  cp "$fresh" docs/openapi.json
  (cd web && npm run --silent gen)
fi
