#!/usr/bin/env bash
# What of .editorconfig neither the build says nor `dotnet format whitespace --folder`: using directives sorted, those of
# System first, and no "this." before a field or property. `dotnet format style` knows both, but compiles all for it.
#
#   eng/order.sh [FILE...]     C# files (default: all of the repository); prints what is wrong, and fails
set -euo pipefail
cd "$(dirname "$0")/.."
if ((!$#)); then
  mapfile -t files < <(find src tests samples benchmarks -name '*.cs' -not -path '*/bin/*' -not -path '*/obj/*')
  set -- "${files[@]}"
fi
LC_ALL=C awk '
  FNR == 1 { last = ""; over = 0 }
  { sub(/\r$/, "") }
  !over && /^(global )?using [^(]*;$/ {
    name = tolower($0)
    kind = sub(/^global /, "", name) ? 0 : 3
    sub(/^using /, "", name)
    kind += sub(/^static /, "", name) ? 1 : name ~ /=/ ? 2 : 0
    sub(/;$/, "", name)
    key = kind " " (name ~ /^system(\.|$)/ ? 0 : 1) " " name
    if (key < last) say("using directives are not sorted")
    last = key
    next
  }
  /^[^\/#\xEF]/ && !/^using / { over = 1 }
  /(^|[^A-Za-z0-9_@.])this\.[A-Za-z_@]/ && !/^ *\/\// { say("\"this.\" is needless") }
  function say(what) { print FILENAME ":" FNR ": " what; wrong = 1 }
  END { exit wrong }' "$@"
