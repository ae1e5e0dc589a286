#!/usr/bin/env bash
# Rewrites each PublicAPI.Unshipped.txt from what the compiler reports, for review in the diff.
set -euo pipefail
cd "$(dirname "$0")/.."
for project in src/*/; do
  api="$project/PublicAPI.Unshipped.txt"
  printf '#nullable enable\n' > "$api"
  dotnet build "$project" --no-incremental -nologo -v:q 2>&1 |
    sed -n "s/.*error RS0016: Symbol '\(.*\)' is not part of the declared public API.*/\1/p" |
    LC_ALL=C sort -u >> "$api" || true
done
