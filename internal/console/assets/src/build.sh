#!/usr/bin/env bash
# Makes ../dist out of app.css and the packages that package.json pins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

npx tailwindcss -i app.css -o ../dist/app.css --minify
cp node_modules/htmx.org/dist/htmx.min.js ../dist/htmx.js
{
  echo "What others wrote in this folder, with their licences."
  for package in htmx.org tailwindcss daisyui; do
    printf '\n=== %s %s\n\n' "$package" "$(node -p "require('./node_modules/$package/package.json').version")"
    cat "node_modules/$package/LICENSE"
  done
} >../dist/LICENSES.txt
