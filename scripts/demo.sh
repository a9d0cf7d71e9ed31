#!/usr/bin/env bash
# demo.sh [OPTIONS of `guanxi demo`]   builds, makes the demonstration shop, serves it until Ctrl-C.
. "$(dirname "$0")/lib.sh"
say "Building Guanxi. The first time takes some minutes; afterwards seconds."
scripts/build.sh demo
say "── demonstration shop (data in ./guanxi-data/demo; Ctrl-C ends it)"
# From here on the program itself hears Ctrl-C.
exec "$target/demo/guanxi" demo --data ./guanxi-data/demo "$@"
