#!/usr/bin/env bash
# bench.sh [AREA…]   measures (default: spine load insight loyalty), prints the tables and writes them with machine and
# date into docs/benchmarks.md. BENCH_ARGS are passed on to `guanxi bench`; what the figures
# mean is in that page. Takes an hour or more; nothing else should run meanwhile.
. "$(dirname "$0")/lib.sh"
scripts/need.sh node postgres
scripts/build.sh release
mkdir -p bench-out
# What is measured must be safe on disk; the tests' cluster need not be. Its address is in
# GUANXI_TEST_POSTGRES.
export GUANXI_PG_FSYNC=on
[ $# -gt 0 ] || set -- spine load insight loyalty
status=0
for area in "$@"; do
  say "── bench $area"
  own=${BENCH_ARGS:-}
  beside=()
  if [ "$area" = insight ]; then
    # What the goals are about; the tables stay for the peers, who are asked the same of the same.
    own=${BENCH_ARGS:---customers 10000000 --orders 100000000}
    tables=bench-out/tables
    rm -rf "$tables"
    own+=" --tables $tables"
    beside=(bench-out/peers.json bench-out/lifetime.json)
  fi
  # A goal that is missed fails the command; its figures are written down all the same.
  # shellcheck disable=SC2086
  limited 14400 scripts/with-postgres.sh "$target/release/guanxi" bench "$area" --json $own \
    >"bench-out/$area.json" || status=$?
  [ -s "bench-out/$area.json" ] || fail "bench $area came to no end; it wrote no figures"
  if [ "$area" = insight ]; then
    limited 7200 python3 bench/peers.py --tables "$tables" --out bench-out/peers.json >/dev/null || status=$?
    rm -rf "$tables"
    limited 3600 cargo run --quiet --release --locked -p models --example bench_clv -- 1000000 --json \
      >bench-out/lifetime.json || status=$?
  fi
  node scripts/bench-table.mjs "$area" "bench-out/$area.json" docs/benchmarks.md "${beside[@]}"
done
exit "$status"
