#!/usr/bin/env bash
# soak.sh   the long versions: GUANXI_SOAK=1 makes simulations, fuzz corpora and property tests run
# for many more cases, kills the program 1,000 times and writes with 64 writers for a minute; the interface is
# fuzzed for an hour; the browser imports a larger file.
. "$(dirname "$0")/lib.sh"
export GUANXI_SOAK=1 PROPTEST_CASES=${PROPTEST_CASES:-5000} GUANXI_TRACES=${GUANXI_TRACES:-60}
stage need 1200 scripts/need.sh node cc chromium postgres fonts fiu python
stage web-install 900 scripts/web.sh install
stage oidc-install 600 scripts/web.sh oidc
stage web-build 600 scripts/web.sh build
if has_nextest; then
  stage rust-soak 14400 scripts/with-postgres.sh cargo nextest run --workspace --locked --no-fail-fast --run-ignored all --status-level fail
else
  stage rust-soak 14400 scripts/with-postgres.sh cargo test --workspace --locked --no-fail-fast -- --include-ignored
fi
stage api-fuzz-soak 7200 env API_FUZZ_SECONDS=3600 scripts/api-fuzz.sh
stage e2e-soak 3600 env ORDERS=100000 scripts/e2e.sh
report
