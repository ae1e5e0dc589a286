#!/usr/bin/env bash
# Rewrites src/Containers.Core/Seccomp/SystemCalls.txt, the numbers of every system call, from the kernel headers of
# Debian's packages linux-libc-dev, linux-libc-dev-arm64-cross and linux-libc-dev-armhf-cross.
set -euo pipefail
cd "$(dirname "$0")/.."
table=$(mktemp -d)
trap 'rm -rf "$table"' EXIT

# numbers FILE OPTION...: "name number" of every __NR_ macro that the file leads to.
numbers() {
  local file=$1
  shift
  echo "#include <$file>" | gcc -E -dM "$@" - | sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/\1/p' | sort -u > "$table/names"
  { echo "#include <$file>"; sed 's/.*/@ & __NR_&/' "$table/names"; } | gcc -E -P "$@" - |
    sed -n 's/^@ \([a-z0-9_]*\) (*\([0-9a-fx() +]*\))*$/\1 \2/p' |
    while read -r name value; do
      value=${value//[()]/}
      [[ $name == @(syscalls|syscall_base|syscall_mask|arch_specific_syscall|oabi_syscall_base) || ! $value =~ ^[0-9a-fx\ +]+$ ]] || echo "$name $((value))"
    done
}

numbers asm/unistd_64.h -nostdinc -I/usr/include/x86_64-linux-gnu > "$table/x86_64"
numbers asm/unistd_32.h -nostdinc -I/usr/include/x86_64-linux-gnu > "$table/x86"
numbers asm/unistd_x32.h -nostdinc -I/usr/include/x86_64-linux-gnu -D__X32_SYSCALL_BIT=0x40000000 > "$table/x32"
numbers asm/unistd.h -nostdinc -I/usr/aarch64-linux-gnu/include -U__x86_64__ -D__aarch64__ -D__LP64__ > "$table/arm64"
numbers asm/unistd.h -nostdinc -I/usr/arm-linux-gnueabihf/include -U__x86_64__ -U__LP64__ -D__arm__ -D__ARM_EABI__ > "$table/arm"

# arch/arm/include/uapi/asm/unistd.h
printf '%s\n' 'breakpoint 983041' 'cacheflush 983042' 'set_tls 983045' >> "$table/arm"

# Newer than those headers; one number on every machine since Linux 5.0 (include/uapi/asm-generic/unistd.h of Linux 6.18).
newer='cachestat 451 fchmodat2 452 map_shadow_stack 453 futex_wake 454 futex_wait 455 futex_requeue 456 statmount 457 listmount 458
lsm_get_self_attr 459 lsm_set_self_attr 460 lsm_list_modules 461 mseal 462 setxattrat 463 getxattrat 464 listxattrat 465
removexattrat 466 open_tree_attr 467 file_getattr 468 file_setattr 469'
# shellcheck disable=SC2086 # names and numbers in turn
for machine in x86_64 x86 x32 arm64 arm; do
  printf '%s %s\n' $newer | while read -r name number; do
    grep -q "^$name " "$table/$machine" || echo "$name $number"
  done | if [[ $machine == x32 ]]; then awk '{ print $1, $2 + 1073741824 }'; else cat; fi > "$table/more"
  cat "$table/more" >> "$table/$machine"
done

{
  echo '# System calls and their numbers, written by eng/syscalls.sh: name x86_64 x86 x32 arm64 arm; - for none.'
  awk '{ names[$1] = 1; machine = FILENAME; sub(".*/", "", machine); number[machine, $1] = $2 }
    END {
      split("x86_64 x86 x32 arm64 arm", machines, " ")
      for (name in names) {
        line = name
        for (i = 1; i <= 5; i++) line = line " " ((machines[i], name) in number ? number[machines[i], name] : "-")
        print line
      }
    }' "$table"/x86_64 "$table"/x86 "$table"/x32 "$table"/arm64 "$table"/arm | LC_ALL=C sort
} > src/Containers.Core/Seccomp/SystemCalls.txt
