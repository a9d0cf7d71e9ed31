#!/usr/bin/env bash
# need.sh THING…   installs what is missing of: chromium postgres fonts node cc fiu python
# On Debian with apt-get; elsewhere it says what to install by hand. Does nothing when all is there.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_fonts() {
  if has fc-list; then
    fc-list :lang=zh family | grep -q .
  else
    compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' >/dev/null
  fi
}
has_node() {
  has npm && has node && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
}
has_chromium() { has chromium || has chromium-browser || has google-chrome || [ -n "${CHROMIUM:-}" ]; }
has_cc() { has cc; }
has_fiu() { has fiu-run; }
has_python() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

packages=() words=()
for thing in "$@"; do
  case $thing in
    chromium) has_chromium || { packages+=(chromium); words+=("Chromium or Chrome"); } ;;
    postgres) has_postgres || { packages+=(postgresql-15); words+=("PostgreSQL 15 (server binaries)"); } ;;
    fonts) has_fonts || { packages+=(fonts-noto-cjk); words+=("a Chinese font, such as Noto Sans CJK"); } ;;
    cc) has_cc || { packages+=(build-essential); words+=("a C compiler"); } ;;
    fiu) has_fiu || { packages+=(fiu-utils); words+=("libfiu with fiu-run (https://blitiri.com.ar/p/libfiu)"); } ;;
    python) has_python || { packages+=(python3 python3-venv); words+=("Python 3.10 or newer with venv"); } ;;
    node) has_node || { packages+=(nodejs npm); words+=("Node.js 20.19 or newer with npm (https://nodejs.org)"); } ;;
    *) say "need.sh: unknown thing: $thing"; exit 2 ;;
  esac
done
[ ${#packages[@]} -gt 0 ] || exit 0

by_hand() {
  say "Please install by hand, then run this again:"
  printf '  - %s\n' "${words[@]}" >&2
  exit 1
}
has apt-get || by_hand
as_root=()
if [ "$(id -u)" != 0 ]; then
  has sudo || by_hand
  as_root=(sudo)
  # Nobody is there to type a password.
  [ -z "${CI:-}" ] || as_root=(sudo -n)
fi
apt() {
  timeout 900 "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@"
}

say "Installing: ${packages[*]}"
apt update || say "apt-get update failed; trying with the lists that are here"
case " ${packages[*]} " in
  *" postgresql-15 "*)
    apt-cache show postgresql-15 >/dev/null 2>&1 || packages=("${packages[@]/#postgresql-15/postgresql}")
    # The tests start a cluster of their own: do not let Debian make and start one.
    conf=/etc/postgresql-common/createcluster.conf
    [ -e "$conf" ] || { "${as_root[@]}" mkdir -p "${conf%/*}" &&
      echo 'create_main_cluster = false' | "${as_root[@]}" tee "$conf" >/dev/null; }
    ;;
esac
apt install --no-install-recommends "${packages[@]}" || by_hand

for thing in "$@"; do
  "has_$thing" || { say "$thing is still missing or too old after the installation"; by_hand; }
done
