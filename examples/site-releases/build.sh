#!/bin/sh
# Stands for a bundler: a page, and a script that is named after its content.
set -eu
rm -rf dist
mkdir -p dist/assets
hash=$(sha256sum src/app.js | cut -c1-12)
cp src/app.js "dist/assets/app-$hash.js"
sed -e "s|app.js|assets/app-$hash.js|" -e "s|COMMIT|${GITHUB_SHA:-none}|" src/index.html > dist/index.html
printf 'User-agent: *\n' > dist/robots.txt
