#!/usr/bin/env bash
# cluster-test.sh   audiences on a Ballista cluster: scheduler, two executors and an S3-compatible store on loopback,
# against the engine and against one machine. Builds Ballista, which nothing else does.
. "$(dirname "$0")/lib.sh"
what=(-p audience-sql --features loopback)
stage cluster-clippy 1800 cargo clippy --locked "${what[@]}" --all-targets --quiet -- -D warnings
if has_nextest; then
  stage cluster-test 1800 cargo nextest run --locked "${what[@]}" -E 'binary(cluster)' --no-fail-fast --status-level fail
else
  stage cluster-test 1800 cargo test --locked "${what[@]}" --test cluster
fi
report
