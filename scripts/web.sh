#!/usr/bin/env bash
# web.sh install|oidc|build   idempotent: does nothing when its result is newer than what it is made from.
. "$(dirname "$0")/lib.sh"
[ -f web/package.json ] || fail "web/package.json is missing"

install() {
  local mark=web/node_modules/.package-lock.json
  if [ -f "$mark" ] && [ ! web/package-lock.json -nt "$mark" ]; then
    return
  fi
  # Nothing that comes from outside runs at installation.
  (cd web && npm ci --ignore-scripts --no-audit --no-fund)
}

# The OpenID provider that tests of sign-in talk to.
oidc() {
  local mark=tests/oidc/node_modules/.package-lock.json
  if [ -f "$mark" ] && [ ! tests/oidc/package-lock.json -nt "$mark" ]; then
    return
  fi
  (cd tests/oidc && npm ci --ignore-scripts --no-audit --no-fund)
}

build() {
  local page=web/dist/index.html
  if [ -f "$page" ] && [ -z "$(find web/src web/public web/index.html web/vite.config.ts \
    web/tsconfig.json web/package.json web/package-lock.json -newer "$page" -print -quit)" ]; then
    return
  fi
  (cd web && npm run build)
}

case ${1:-} in
  install) install ;;
  oidc) oidc ;;
  build) build ;;
  *) fail "usage: web.sh install|oidc|build" ;;
esac
