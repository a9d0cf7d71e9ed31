#!/usr/bin/env bash
# bench.sh [AREA…]   measures (default: spine load), prints the tables and writes them with machine and
# date into docs/benchmarks.md. BENCH_ARGS are passed on to `guanxi bench`; what the figures
# mean is in that page. Takes an hour or more; nothing else should run meanwhile.
. "$(dirname "$0")/lib.sh"
scripts/need.sh node postgres
scripts/build.sh release
mkdir -p bench-out
# What is measured must be safe on disk; the tests' cluster need not be. Its address is in
# GUANXI_TEST_POSTGRES.
export GUANXI_PG_FSYNC=on
[ $# -gt 0 ] || set -- spine load
status=0
for area in "$@"; do
  say "── bench $area"
  # A goal that is missed fails the command; its figures are written down all the same.
  # shellcheck disable=SC2086
  limited 14400 scripts/with-postgres.sh "$target/release/guanxi" bench "$area" --json ${BENCH_ARGS:-} \
    >"bench-out/$area.json" || status=$?
  [ -s "bench-out/$area.json" ] || fail "bench $area came to no end; it wrote no figures"
  node scripts/bench-table.mjs "$area" "bench-out/$area.json" docs/benchmarks.md
done
exit "$status"
