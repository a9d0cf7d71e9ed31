#!/usr/bin/env bash
# build.sh [PROFILE]   web pages, then the program with the pages inside: target/PROFILE/guanxi.
. "$(dirname "$0")/lib.sh"
profile=${1:-release}
stage need 1200 bash -c 'scripts/rust.sh && scripts/need.sh node cc'
stage web-install 900 scripts/web.sh install
stage web-build 600 scripts/web.sh build
stage "rust-$profile" 3600 cargo build --profile "$profile" --locked -p app
report
say "built $target/$profile/guanxi"
