#!/bin/sh
# Puts the pages' libraries where the server serves them and the wheel packs them.
#
# They come by `npm ci` from the lock file and are never committed. The folders are npm's own, so that a page's
# import names the package; the .d.ts files give tsc the library's own types.
set -eu

fluent() { # $1: the vendor folder
    from=node_modules/@fluent/bundle
    to=$1/@fluent/bundle
    mkdir -p "$to"
    # npm's package names its licence, Apache-2.0, and carries no text of it; ours is the same text.
    grep -q '"license": "Apache-2.0"' "$from/package.json"
    cp LICENSE "$to/LICENSE"
    cp "$from/package.json" "$to/package.json"
    cp -R "$from/esm" "$to/esm"
}

laptop=evidence_server/page/vendor
phone=phone_client/web/vendor
rm -rf "$laptop" "$phone"
fluent "$laptop"
fluent "$phone"

# htm with preact in it, as one file; the types are its own, under that file's name.
mkdir -p "$phone/htm/preact"
cp node_modules/htm/LICENSE node_modules/htm/package.json "$phone/htm/"
cp node_modules/preact/LICENSE "$phone/htm/preact/LICENSE"
cp node_modules/htm/preact/standalone.module.js "$phone/htm/preact/"
cp node_modules/htm/preact/index.d.ts "$phone/htm/preact/standalone.module.d.ts"

# Reads and draws QR codes; decode.js is fetched only where the browser has no BarcodeDetector.
mkdir -p "$phone/qr"
for file in LICENSE LICENSE-MIT package.json index.js index.d.ts decode.js decode.d.ts; do
    cp "node_modules/qr/$file" "$phone/qr/"
done

# Checks the server's signatures in browsers whose WebCrypto has no Ed25519.
mkdir -p "$phone/@noble/ed25519"
for file in LICENSE package.json index.js index.d.ts; do
    cp "node_modules/@noble/ed25519/$file" "$phone/@noble/ed25519/"
done
