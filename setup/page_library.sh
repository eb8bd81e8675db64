#!/bin/sh
# Puts the laptop page's one library where the server serves it and the wheel packs it.
#
# It comes by `npm ci` from the lock file and is never committed. The page imports
# ./vendor/fluent-bundle/index.js; the .d.ts files beside it give tsc the library's own types.
set -eu

from=node_modules/@fluent/bundle
to=evidence_server/page/vendor/fluent-bundle

rm -rf "$to" "$to.part"
mkdir -p "$to.part"
cp "$from"/esm/*.js "$from"/esm/*.d.ts "$from/package.json" "$to.part/"
# npm's package names its licence, Apache-2.0, and carries no text of it; ours is the same text.
grep -q '"license": "Apache-2.0"' "$from/package.json"
cp LICENSE "$to.part/LICENSE"
mv "$to.part" "$to"
