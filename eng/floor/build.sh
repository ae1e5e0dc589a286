#!/bin/sh
# Builds the floor: ./build.sh [OUTPUT]. Static, so that the child it clones is small and starts without a dynamic linker.
set -eu
cd "$(dirname "$0")"
output=${1:-floor}
exec "${CC:-gcc}" -std=gnu11 -O2 -static -Wall -Wextra -Werror -o "$output" floor.c
