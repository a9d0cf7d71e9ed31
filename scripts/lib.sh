# Shared by the scripts of this folder; source it. Bash.
#
# stage NAME SECONDS COMMAND…  runs a step with a limit, shows that it lives, and keeps its output
# in $logs/NAME.log; VERBOSE=1 shows the output as it comes. A failed step ends the script.

set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
target=${CARGO_TARGET_DIR:-$top/target}
logs=$target/logs
mkdir -p "$logs"

summary=()
child=
began=$SECONDS

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Puts COMMAND with its limit into the array `bounded`.
bound() { # SECONDS COMMAND…
  bounded=("${@:2}")
  ! command -v timeout >/dev/null || bounded=(timeout --kill-after=15 "$@")
}

# Runs COMMAND for at most SECONDS, and so that Ctrl-C reaches it.
limited() { # SECONDS COMMAND…
  local status=0
  bound "$@"
  "${bounded[@]}" <&0 &
  child=$!
  wait "$child" || status=$?
  child=
  return "$status"
}

# Ends the running step, whoever ends us. `timeout` passes the signal on to its whole group.
end_child() {
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
}
trap 'end_child; exit 130' INT
trap 'end_child; exit 143' TERM

# Builds target/debug/guanxi. After the tests of the same run it is there already; alone cargo would join other features
# of the libraries, and compile most of them once more.
need_program() {
  [ -n "${GUANXI_BUILT:-}" ] || cargo build --locked --quiet -p app
}

stage() {
  local name=$1 limit=$2 log=$logs/$1.log start=$SECONDS status=0 beat=15
  shift 2
  say "── $name"
  bound "$limit" "$@"
  if [ -n "${VERBOSE:-}" ]; then
    "${bounded[@]}" > >(tee "$log" >&2) 2>&1 </dev/null &
  else
    "${bounded[@]}" >"$log" 2>&1 </dev/null &
  fi
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if [ -z "${VERBOSE:-}" ] && [ $((SECONDS - start)) -ge "$beat" ]; then
      say "   $((SECONDS - start)) s  $(tail -c 400 "$log" | tr '\r' '\n' | grep -v '^ *$' | tail -n 1 | cut -c 1-100)"
      beat=$((SECONDS - start + 15))
    fi
  done
  wait "$child" || status=$?
  child=
  summary+=("$(printf '%-18s %5d s  %s' "$name" $((SECONDS - start)) "$([ "$status" = 0 ] && echo ok || echo FAILED)")")
  if [ "$status" != 0 ]; then
    [ -n "${VERBOSE:-}" ] || tail -n 120 "$log" >&2
    case $status in 124 | 137) say "$name: stopped after its limit of $limit s" ;; esac
    say "$name failed; all of its output is in $log"
    report
    exit 1
  fi
}

report() {
  say "── summary"
  printf '   %s\n' "${summary[@]}" >&2
  say "   total $((SECONDS - began)) s"
}

has_nextest() { cargo nextest --version >/dev/null 2>&1; }
