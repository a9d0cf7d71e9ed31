#!/usr/bin/env bash
# build.sh [PROFILE]   web pages, then the program with the pages inside: target/PROFILE/guanxi. What is released
# runs audiences as SQL, too; a newcomer's demonstration does not wait for DataFusion.
. "$(dirname "$0")/lib.sh"
profile=${1:-release}
stage need 1200 bash -c 'scripts/rust.sh && scripts/need.sh node cc'
stage web-install 900 scripts/web.sh install
stage web-build 600 scripts/web.sh build
features=
[ "$profile" != release ] || features=--features=sql
stage "rust-$profile" 3600 cargo build --profile "$profile" --locked -p app ${features:+"$features"}
report
say "built $target/$profile/guanxi"
