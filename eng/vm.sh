#!/usr/bin/env bash
# Runs test executables, or any command, under a stock Debian cloud kernel with the unified cgroup
# hierarchy (v2): a machine has either v1 or v2, and both must be tested. QEMU emulates the processor,
# so neither root nor KVM is needed.
#
#   eng/vm.sh                                     every built test project, tests of Category=Vm
#   eng/vm.sh --user --filter Category=Rootless   those of another trait, as an ordinary user
#   eng/vm.sh --filter '*Cgroup*' tests/Containers.Core.Tests
#   eng/vm.sh --shell 'uname -r; cat /sys/fs/cgroup/cgroup.controllers'
#   eng/vm.sh --shell './hello' path/to/hello     what is named is copied into the working directory
#
#   --filter F     NAME=VALUE selects by trait, anything else by class (wildcards at either end)
#   --all          every test of the executables
#   --user         run as uid 1000, in a cgroup delegated to it
#   --prepare      only make the root image, if it is not made yet
#   --append TEXT  further arguments of the kernel: security=selinux, or
#                  containers.root=initramfs to have a root that cannot be pivoted from
#   --timeout S    seconds until the machine is stopped (default 600)
#   --results DIR  where the reports and the console's log go (default artifacts/vm)
#
# Exit status: 0 when all that ran ended with 0, 124 when it took too long, else 1.
# Kernel and root image are cached in ${XDG_CACHE_HOME:-~/.cache}/containers-vm; deleting that is safe.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
export PATH=$PATH:/usr/sbin:/sbin

# The root image holds busybox, the .NET runtime, and these of the machine that made it.
programs=(dash bash strace setpriv unshare nsenter newuidmap newgidmap)
libraries=(libssl.so.3 libcrypto.so.3)
# Loaded at boot. Others load by modprobe or on demand.
modules=(overlay loop veth bridge dummy tun nf_tables nft_chain_nat nft_masq)

fail() { echo "eng/vm.sh: $*" >&2; exit 1; }

filter=Category=Vm
shell_command=
as_user=0
prepare=0
append=
seconds=600
results=$repo/artifacts/vm
inputs=()
while (($#)); do
  case $1 in
    --filter) filter=$2; shift 2 ;;
    --all) filter=; shift ;;
    --shell) shell_command=$2; shift 2 ;;
    --user) as_user=1; shift ;;
    --prepare) prepare=1; shift ;;
    --append) append=$2; shift 2 ;;
    --timeout) seconds=$2; shift 2 ;;
    --results) results=$(realpath -m "$2"); shift 2 ;;
    -h | --help) sed -n '2,/^set -/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) fail "unknown option $1 (--help lists them)" ;;
    *) inputs+=("$1"); shift ;;
  esac
done

[[ $(uname -m) == x86_64 ]] || fail "the machine runs x64 binaries of this one, which is $(uname -m)"
for tool in qemu-system-x86_64 busybox mke2fs dpkg-deb apt-get ldd; do
  command -v $tool > /dev/null || fail "$tool is missing; on Debian: apt-get install qemu-system-x86 busybox-static e2fsprogs"
done

cache=${XDG_CACHE_HOME:-$HOME/.cache}/containers-vm
mkdir -p "$cache" "$results"
work=$(mktemp -d "${TMPDIR:-/tmp}/containers-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT

kernel_package() { apt-cache depends linux-image-cloud-amd64 2> /dev/null | awk '$1 == "Depends:" { print $2; exit }'; }

# Unpacks the distribution's cloud kernel into the cache; it is not installed.
unpack_kernel() {
  local package
  package=$(kernel_package)
  if [[ -z $package && $(id -u) == 0 ]]; then
    apt-get update -qq && package=$(kernel_package)
  fi
  [[ -n $package ]] || fail "apt knows no linux-image-cloud-amd64; on Debian: apt-get update"
  echo "vm: fetching $package"
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package")
  dpkg-deb -x "$work/$package"_*.deb "$work/kernel"
  [[ -d $work/kernel/lib/modules ]] || ln -sT usr/lib "$work/kernel/lib"
  # Busybox loads plain modules only.
  find "$work/kernel/lib/modules/" -name '*.ko.xz' -exec unxz {} +
  (cd "$work/kernel" && busybox depmod -b "$work/kernel" "$(ls lib/modules)")
  mv -T "$work/kernel" "$cache/kernel"
}

copy_libraries_of() {
  local root=$1 library
  shift
  { ldd "$@" 2> /dev/null || true; } | grep -o '/[^ :]*\.so[^ :]*' | grep -v '/dotnet/' | sort -u | while read -r library; do
    mkdir -p "$root${library%/*}"
    cp -L --preserve=mode "$library" "$root$library"
  done
}

make_root_tree() {
  local root=$1 applet name file dotnet
  mkdir -p "$root"/{dev,proc,sys,run,tmp,mnt,root,opt,srv,home,etc,var/tmp,usr/{bin,sbin,lib,lib64,share/dotnet/shared}}
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
  chmod 1777 "$root/tmp" "$root/var/tmp"
  cp -a "$cache/kernel/lib/modules" "$root/usr/lib/"

  cp -L "$(command -v busybox)" "$root/usr/bin/busybox"
  for applet in $(busybox --list-full | grep bin/ | grep -v '/busybox$'); do
    ln -sf /usr/bin/busybox "$root/$applet"
  done
  for name in "${programs[@]}"; do
    file=$(command -v "$name") || continue
    rm -f "$root"/usr/{bin,sbin}/"$name"
    cp -L --preserve=mode "$file" "$root/usr/bin/$name"
    copy_libraries_of "$root" "$file"
  done
  # Busybox's own shell would run its applets in place of the programs above.
  ln -sf dash "$root/usr/bin/sh"

  dotnet=$(dirname "$(realpath "$(command -v dotnet)")")
  cp -a "$dotnet"/{dotnet,host} "$root/usr/share/dotnet/"
  cp -a "$dotnet/shared/Microsoft.NETCore.App" "$root/usr/share/dotnet/shared/"
  ln -s ../share/dotnet/dotnet "$root/usr/bin/dotnet"
  copy_libraries_of "$root" "$dotnet/dotnet" "$dotnet"/shared/Microsoft.NETCore.App/*/*.so
  for name in "${libraries[@]}"; do
    file=$(ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }')
    [[ -z $file ]] || cp -L "$file" "$root/usr/lib/$(basename "$(dirname "$file")")/"
  done

  printf '%s\n' root:x:0:0:root:/root:/bin/sh tester:x:1000:1000::/home/tester:/bin/sh \
    nobody:x:65534:65534::/:/bin/false > "$root/etc/passwd"
  printf '%s\n' root:x:0: tty:x:5: tester:x:1000: nogroup:x:65534: > "$root/etc/group"
  echo tester:100000:65536 | tee "$root/etc/subuid" > "$root/etc/subgid"
  echo containers-vm > "$root/etc/hostname"
  echo '127.0.0.1 localhost containers-vm' > "$root/etc/hosts"
  printf '%s\n' "${modules[@]}" > "$root/etc/modules"
  printf '%s\n' ::sysinit:/etc/rc '::wait:/bin/poweroff -f' > "$root/etc/inittab"
  install -m 755 "$repo/eng/vm/rc" "$root/etc/rc"
  ln -sf ../bin/busybox "$root/usr/sbin/init"
}

make_initramfs() {
  local root=$1 tree=$cache/kernel/lib/modules/$release path
  mkdir -p "$root"/{bin,dev,proc,new} "$root/lib/modules/$release"
  cp -L "$(command -v busybox)" "$root/bin/"
  cp "$tree"/modules.* "$root/lib/modules/$release/"
  for path in kernel/drivers/virtio kernel/drivers/block/virtio_blk.ko; do
    mkdir -p "$root/lib/modules/$release/${path%/*}"
    cp -r "$tree/$path" "$root/lib/modules/$release/$path"
  done
  install -m 755 "$repo/eng/vm/init" "$root/init"
}

# Files made by an ordinary user must belong to root inside: a user namespace shows them so.
as_root() { if (($(id -u))); then unshare --map-root-user "$@"; else "$@"; fi; }

[[ -e $cache/kernel ]] || unpack_kernel
release=$(ls "$cache/kernel/lib/modules")
[[ $(printf '%s\n' "${release%%-*}" 5.14 | sort -V | head -1) == 5.14 ]] || fail "kernel $release is older than 5.14"

# The image is made again when a thing it is made of changes.
key=$({ cat "$0" "$repo"/eng/vm/*; echo "$release"; ls "$(dirname "$(realpath "$(command -v dotnet)")")"/shared/Microsoft.NETCore.App; } | sha256sum | cut -c 1-16)
image=$cache/root-$key
if [[ ! -e $image ]]; then
  echo "vm: making the root image"
  rm -rf "$cache"/root-*
  make_root_tree "$work/root"
  make_initramfs "$work/initramfs"
  mkdir "$work/image"
  truncate -s 2G "$work/image/disk"
  as_root mke2fs -q -t ext4 -L root -d "$work/root" "$work/image/disk"
  (cd "$work/initramfs" && find . | busybox cpio -o -H newc -R 0:0 2> /dev/null | gzip -1) > "$work/image/initramfs"
  mv -T "$work/image" "$image"
fi
((!prepare)) || exit 0

# What runs, as a shell script beside the files it needs.
payload=$work/payload
mkdir "$payload"
run_as=
((!as_user)) || run_as=as_tester
{
  # No process of root may share the delegated cgroup: a controller cannot be turned on over its head.
  ((!as_user)) || cat << 'SH'
chown -R tester:tester /payload
as_tester() (
  echo 0 > /sys/fs/cgroup/user.slice/session/cgroup.procs
  exec setpriv --reuid 1000 --regid 1000 --init-groups env HOME=/home/tester USER=tester XDG_RUNTIME_DIR=/run/user/1000 "$@"
)
SH
  if [[ -n $shell_command ]]; then
    printf '%s\n' "$shell_command" > "$payload/.command"
    echo "$run_as /bin/sh /payload/.command"
    for input in "${inputs[@]}"; do cp -a "$input" "$payload/"; done
  else
    ((${#inputs[@]})) || inputs=("$repo"/tests/*/)
    select=
    case $filter in
      '') ;;
      *=*) select="--filter-trait '$filter'" ;;
      *) select="--filter-class '$filter'" ;;
    esac
    echo 'status=0'
    for input in "${inputs[@]}"; do
      # A project's folder, or the folder of a built executable.
      name=$(basename "$input")
      [[ -x $input/$name ]] || input=$input/bin/${CONFIGURATION:-Debug}/net10.0
      [[ -x $input/$name ]] || fail "$input/$name is not built"
      cp -a "$input" "$payload/$name"
      echo "echo 'vm: $name'"
      # A test that hangs ends while there is still time to bring the reports back.
      echo "$run_as timeout -k 5 \$(($seconds - 30 - \$(cut -d . -f 1 /proc/uptime))) /payload/$name/$name $select --report-xunit-xml --report-xunit-xml-filename $name.xml --results-directory /results --long-running 60 --xunit-diagnostics on --no-ansi --progress off || { status=\$?; echo \"vm: $name ended with \$status\"; }"
    done
    echo 'exit $status'
  fi
} > "$payload/.run"
chmod -R go+rX "$payload"
tar -C "$payload" --owner=0 --group=0 -cf "$work/payload.tar" .
truncate -s %1M "$work/payload.tar"
truncate -s 256M "$work/results.img"

status=0
# Emulated on purpose: it behaves alike on every machine, also where KVM is missing or nested.
timeout --foreground --kill-after=10 "$seconds" qemu-system-x86_64 \
  -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -nodefaults -no-user-config -no-reboot -display none -serial stdio -nic none \
  -kernel "$cache/kernel/boot/vmlinuz-$release" -initrd "$image/initramfs" \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 oops=panic psi=1 mitigations=off $append" \
  -drive "file=$image/disk,format=raw,if=virtio,snapshot=on" \
  -drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" \
  -drive "file=$work/results.img,format=raw,if=virtio" < /dev/null 2> "$work/qemu.log" |
  sed -u 's|\r||g' | tee "$results/console.log" || status=$?
[[ $status == 0 || $status == 124 ]] || cat "$work/qemu.log" >&2

((status != 124)) || { echo "eng/vm.sh: stopped after $seconds seconds" >&2; exit 124; }
tar -C "$results" -xf "$work/results.img" --no-same-owner --no-overwrite-dir 2> /dev/null || fail "the machine brought back no results (see $results/console.log)"
status=$(cat "$results/.status") && rm "$results/.status"
exit $((status ? 1 : 0))
