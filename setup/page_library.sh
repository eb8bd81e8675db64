#!/bin/sh
# Puts the laptop page's one library where the server serves it and the wheel packs it.
#
# It comes by `npm ci` from the lock file and is never committed. The folders are npm's own, so that the page's
# import names the package; the .d.ts files give tsc the library's own types.
set -eu

from=node_modules/@fluent/bundle
to=evidence_server/page/vendor/@fluent/bundle

rm -rf evidence_server/page/vendor
mkdir -p "$to"
# npm's package names its licence, Apache-2.0, and carries no text of it; ours is the same text.
grep -q '"license": "Apache-2.0"' "$from/package.json"
cp LICENSE "$to/LICENSE"
cp "$from/package.json" "$to/package.json"
cp -R "$from/esm" "$to/esm"
