#!/usr/bin/env bash
# sbom.sh [FOLDER]   what is in the program and in its pages, as CycloneDX 1.5: guanxi.cdx.json and web.cdx.json
# (target/sbom). From the lock files alone.
. "$(dirname "$0")/lib.sh"
out=${1:-$target/sbom}
mkdir -p "$out"
cargo metadata --locked --format-version 1 >"$out/metadata.json"
cargo tree --locked -p app --features sql --edges normal,build --target all --prefix none --format '{p}' >"$out/tree.txt"
node scripts/sbom.mjs "$out/metadata.json" "$out/tree.txt" Cargo.lock >"$out/guanxi.cdx.json"
rm "$out/metadata.json" "$out/tree.txt"
(cd web && npm sbom --package-lock-only --omit dev --sbom-format cyclonedx) >"$out/web.cdx.json"
for name in guanxi web; do
  node -e '
    const { bomFormat, components } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    if (bomFormat !== "CycloneDX" || components.length < 10) throw new Error(process.argv[1]);
    console.error(`${process.argv[1]}: ${components.length} components`);' "$out/$name.cdx.json"
done
