#!/usr/bin/env bash
# rust.sh   says so when Rust is missing or older than the workspace asks for.
. "$(dirname "$0")/lib.sh"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
command -v cargo >/dev/null || fail "Rust is missing: install Rust $wanted or newer from https://rustup.rs, then run this again"
present=$(rustc --version | cut -d ' ' -f 2)
[ "$(printf '%s\n' "$wanted" "${present%%-*}" | sort -V | head -n 1)" = "$wanted" ] ||
  fail "Rust $present is too old: \`rustup update stable\` gives $wanted or newer"
