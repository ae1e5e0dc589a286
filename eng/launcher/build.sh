#!/usr/bin/env bash
# Builds the launcher for each machine whose compiler is installed, into Containers.Core's resources.
# apt: gcc (x64), gcc-aarch64-linux-gnu (arm64)
set -euo pipefail
cd "$(dirname "$0")"
out="${1:-../../src/Containers.Core/Launch/Resources}"
mkdir -p "$out"
build() {
  local compiler=$1 name=$2
  shift 2
  command -v "$compiler" >/dev/null || { echo "no $compiler: $name not built"; return 0; }
  "$compiler" "$@" -Os -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-builtin \
    -fno-pic -Wall -Wextra -Werror -nostdlib -static -no-pie \
    -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code -Wl,-n \
    -s -o "$out/launcher-$name" launcher.c
  echo "$name: $(stat -c %s "$out/launcher-$name") bytes, sha256 $(sha256sum "$out/launcher-$name" | cut -c1-16)"
}
build x86_64-linux-gnu-gcc x64 -fcf-protection=none
build aarch64-linux-gnu-gcc arm64
