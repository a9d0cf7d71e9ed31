#!/usr/bin/env bash
# lint.sh   what should pass before each commit: rustfmt, biome, the house, clippy.
. "$(dirname "$0")/lib.sh"
stage format 60 cargo fmt --all --check
stage web-install 900 scripts/web.sh install
stage web-lint 120 npm --prefix web run --silent lint
# The program embeds this folder; an empty one is enough to compile.
mkdir -p web/dist
stage house 600 cargo test --quiet --locked -p house-tests
# The house holds the same lists; where the tool itself is installed, it has the word too.
if cargo deny --version >/dev/null 2>&1; then
  stage deny 300 cargo deny --offline --locked check bans licenses sources
fi
stage clippy 1800 cargo clippy --workspace --features app/sql --all-targets --locked --quiet -- -D warnings
report
