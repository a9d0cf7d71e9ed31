#!/usr/bin/env bash
# test.sh   everything, cheapest failures first. VERBOSE=1 shows all output. GUANXI_TEST_CLUSTER=1 also asks a Ballista
# cluster (scripts/cluster-test.sh), which takes as long to build as a fifth of all else.
. "$(dirname "$0")/lib.sh"
stage need 1200 bash -c 'scripts/rust.sh && scripts/need.sh node cc chromium postgres fonts fiu python'
stage format 60 cargo fmt --all --check
stage house 600 cargo test --quiet --locked -p house-tests
stage web-install 900 scripts/web.sh install
stage oidc-install 600 scripts/web.sh oidc
stage web-lint 120 npm --prefix web run --silent lint
stage web-unit 300 npm --prefix web run --silent test
stage web-build 600 scripts/web.sh build
stage web-size 60 npm --prefix web run --silent size
stage clippy 1800 cargo clippy --workspace --features app/sql --all-targets --locked --quiet -- -D warnings
if has_nextest; then
  stage rust-test 3900 scripts/with-postgres.sh cargo nextest run --workspace --features app/sql --locked --no-fail-fast --status-level fail
else
  stage rust-test 3900 scripts/with-postgres.sh cargo test --workspace --features app/sql --locked --no-fail-fast --lib --bins --tests --examples
fi
[ -z "${GUANXI_TEST_CLUSTER:-}" ] || stage cluster 3600 scripts/cluster-test.sh
export GUANXI_BUILT=1
stage rust-doc-test 900 cargo test --workspace --features app/sql --locked --doc --quiet
stage generated 600 scripts/gen.sh --check
stage sbom 120 scripts/sbom.sh
stage api-fuzz 900 scripts/api-fuzz.sh
stage e2e 900 scripts/e2e.sh
report
