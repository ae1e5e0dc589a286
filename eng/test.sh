#!/usr/bin/env bash
# Everything that must hold before a change is merged: the build without a warning, the formatting, the
# packages and what they are used for, and every test as root, as an ordinary user, and in a machine with
# the other cgroup version. Run it as root, or by sudo. The last line is "N passed, N failed".
#
# A kind of run is a column here; CONTRIBUTING.md says which tests take part in which:
#   root     every test, as root, on this machine
#   user     tests of Category=Rootless, as an unprivileged user, on this machine
#   vm       tests of Category=Vm, as root, under a stock kernel with cgroup v2 (eng/vm.sh)
#   initramfs  tests of Category=Initramfs, there, with the initramfs as root
#   selinux  tests of Category=SELinux, there, with SELinux in AppArmor's place
#   vm-user  tests of Category=Rootless, as an unprivileged user with a delegated cgroup, there
#
# Reports and logs are left in artifacts/test.
set -euo pipefail
cd "$(dirname "$0")/.."

# A skipped test is a failure, but for these: kind of run | test name (a pattern of the shell) | why it cannot run there.
expected_skips=(
  'vm|*kind:*v1*|the machine has cgroup v2 alone'
  'vm-user|*kind:*v1*|the machine has cgroup v2 alone'
  'root|*.InitramfsTests.*|the root is a disk; a machine without one shows it'
  'root|*.AppArmorTests.*|active in the machine, whatever is here'
  'root|*.SELinuxTests.*|active in a machine of its own'
  'root|*.KeepIdTests.*|root has id 0 already; the user runs show it'
  'root|*.OwnerTests.*|root has every id and owns every layer; the user run shows it'
  'root|*LimitWithoutDelegation_*|root lacks no delegation; the user runs show it'
  'vm|*LimitWithoutDelegation_*|root lacks no delegation; the user runs show it'
)

# Debian packages that the tests use; the kernel of eng/vm.sh is fetched by itself.
packages=(
  busybox-static strace gcc libc6-dev uidmap e2fsprogs apparmor secilc # tests
  docker-registry skopeo umoci podman buildah mmdebstrap attr libcap2-bin # images, made and read by others
  iproute2 nftables iptables bind9-dnsutils dnsmasq-base musl-tools nginx-light curl iputils-ping passt # networks, used and seen by others
  runc crun bubblewrap                                 # compared with
  qemu-user-static                                     # the launcher of the other machine
  qemu-system-x86                                      # eng/vm.sh
)

# Seconds after which a run is stopped, and counted as failed.
declare -A limit=([root]=540 [user]=240 [vm]=900 [vm-user]=600 [initramfs]=120 [selinux]=120 [sample]=120)

user=containers-test
out=$PWD/artifacts/test
export LC_ALL=C.UTF-8 DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1
passed=0
failures=()

step() { echo; echo "== $*"; }
failed() { failures+=("$1"); echo "FAILED: $1"; }

finish() {
  trap - EXIT
  [[ -z ${scratch:-} ]] || rm -rf "$scratch"
  [[ -z ${SUDO_UID:-} ]] || chown -R "$SUDO_UID" artifacts
  step 'Result'
  ((${#failures[@]} == 0)) || printf 'failed: %s\n' "${failures[@]}"
  echo "$passed passed, ${#failures[@]} failed"
  ((${#failures[@]} == 0)) || exit 1
}
# Whatever ends the script early is a failure too.
trap 'failures+=("eng/test.sh stopped in: ${current:-its beginning}"); finish' EXIT

# Runs a command as who owns the checkout, so that a developer's bin and obj stay theirs.
as_owner() {
  if [[ ${SUDO_USER:-root} == root ]]; then
    "$@"
  else
    sudo -u "$SUDO_USER" -H env PATH="$PATH" LC_ALL="$LC_ALL" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1 "$@"
  fi
}

# logged NAME COMMAND...: output goes to a log, its end is shown when the command fails.
logged() {
  local name=$1 started=$SECONDS
  shift
  if "$@" > "$out/$name.log" 2>&1; then
    echo "$name: ok, $((SECONDS - started)) s"
  else
    tail -n 60 "$out/$name.log"
    return 1
  fi
}

# count KIND PROJECT STATUS REPORT LOG: adds what a test executable reported.
count() {
  local kind=$1 project=$2 status=$3 report=$4 log=$5 result name detail entry ran=0 bad=0 skipped=0
  if [[ ! -s $report ]]; then
    detail=$(grep -o "Long Running Test\] '[^']*'" "$log" | tail -n 3 | sort -u | cut -d "'" -f 2 | xargs || true)
    [[ $status != @(124|137|143) ]] || status="$status (stopped after ${limit[$kind]} s)"
    failed "$kind $project: no report, exit status $status${detail:+; still running: $detail}"
    return
  fi
  while IFS=$'\t' read -r result name detail; do
    case $result in
      Pass) ran=$((ran + 1)) ;;
      Skip)
        skipped=$((skipped + 1))
        for entry in "${expected_skips[@]}"; do
          IFS='|' read -r expected_kind pattern why <<< "$entry"
          # shellcheck disable=SC2053 # the right side is a pattern
          [[ $kind != "$expected_kind" || $name != $pattern ]] || { echo "skipped as expected: $kind $name ($why)"; continue 2; }
        done
        bad=$((bad + 1))
        failed "$kind $name: skipped: $detail"
        ;;
      *) bad=$((bad + 1)) && failed "$kind $name" ;;
    esac
  done < <(read_report "$report")
  passed=$((passed + ran))
  echo "$kind $project: $ran passed, $bad failed, $skipped skipped, $((SECONDS - began)) s"
  if ((ran + bad + skipped == 0)); then
    failed "$kind $project: ran no test"
  elif ((status && !bad)); then
    failed "$kind $project: exit status $status although no test failed"
  fi
}

# One line a test of an xUnit report: result, name, reason of a skip. Errors of fixtures are lines of their own.
read_report() {
  awk -v RS='<' '
    function attribute(name) { return match($0, " " name "=\"[^\"]*\"") ? plain(substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)) : "" }
    function plain(s) { gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&quot;/, "\"", s); gsub(/&apos;/, "\047", s); gsub(/&amp;/, "\\&", s); gsub(/[\t\n\r]/, " ", s); return s }
    function flush() { if (result != "") print result "\t" name "\t" reason; result = "" }
    /^test / { flush(); result = attribute("result"); name = attribute("name"); reason = "" }
    /^reason>/ { reason = plain(substr($0, 8)) }
    /^error / { flush(); print "Error\t" attribute("type") " " attribute("name") "\t" }
    END { flush() }' "$1"
}

# Whether a test executable has tests of a trait; asked once.
has() {
  local answer=$scratch/has-$(name_of "$1")-$2
  if [[ ! -e $answer ]]; then
    if "$1/$(name_of "$1")" --filter-trait "$2" --list-tests > "$out/list.log" 2>&1; then echo yes > "$answer"; else echo no > "$answer"; fi
  fi
  [[ $(< "$answer") == yes ]]
}

# Prints the folder of each test executable; with a trait, of those that have tests of it.
projects_with() {
  local project folder
  for project in tests/*/*.csproj; do
    folder=$PWD/${project%/*}/bin/Release/net10.0
    [[ -z ${1:-} ]] || has "$folder" "$1" || continue
    echo "$folder"
  done
}
name_of() { basename "${1%/bin/Release/net10.0}"; }
in_folder() { (cd "$1" && shift && "$@"); }

# run KIND FOLDER [PREFIX...] [-- OPTION...]: runs the test executable of a folder on this machine.
run() {
  local kind=$1 folder=$2 project prefix=() status=0 began=$SECONDS
  shift 2
  project=$(name_of "$folder")
  current="$kind $project"
  while (($#)) && [[ $1 != -- ]]; do prefix+=("$1"); shift; done
  mkdir -p "$scratch/$kind"
  chmod 1777 "$scratch/$kind"
  in_folder / timeout -k 10 "${limit[$kind]}" "${prefix[@]}" "$folder/$project" "${@:2}" \
    --report-xunit-xml --report-xunit-xml-filename "$project.xml" --results-directory "$scratch/$kind" \
    --long-running 60 --xunit-diagnostics on --no-ansi --progress off < /dev/null > "$out/$kind-$project.log" 2>&1 || status=$?
  ((status == 0)) || tail -n 80 "$out/$kind-$project.log"
  cp "$scratch/$kind/$project.xml" "$out/$kind-$project.xml" 2> /dev/null || true
  count "$kind" "$project" "$status" "$out/$kind-$project.xml" "$out/$kind-$project.log"
}

# Compiles test executables ahead of time: where the processor is emulated, compiling as they run takes as long as they do.
# The application that tests start and kill is compiled altogether: it starts in a second then, and in eight otherwise.
publish() {
  local folder assembly published compiled version packages
  { read -r version && read -r packages; } < <(as_owner dotnet msbuild tests/Containers.Core.Tests -getProperty:BundledNETCoreAppPackageVersion -getProperty:NuGetPackageRoot |
    sed -n 's/^ *"\(Bundled\|NuGet\).*": "\(.*\)",\{0,1\}$/\2/p') || return
  as_owner dotnet publish --no-build -c Release -p:AheadOfTime=true tests/Hosts/DyingHost -o artifacts/published/DyingHost || return
  as_owner mkdir -p artifacts/published/compiled || return
  for folder; do
    published=artifacts/published/$(name_of "$folder")
    cp -a "$folder" "$published" || return
    for assembly in "$folder"/*.dll; do
      # Large, and little of it is used.
      [[ $assembly != */FSharp.Core.dll ]] || continue
      compiled=artifacts/published/compiled/$(sha256sum < "$assembly" | cut -c 1-16)-${assembly##*/}
      [[ -e $compiled ]] || compile "$assembly" "$compiled" || return
      cp "$compiled" "$published/${assembly##*/}" || return
    done
    [[ ! -e $published/DyingHost ]] || cp artifacts/published/DyingHost/DyingHost "$published/" || return
  done
}

# compile ASSEMBLY INTO: what has most to do, in one piece with the very framework that the machine gets. So the framework's
# generic code over its types, and over primitive ones, is compiled too, which else is as it runs. The runtime refuses what
# was compiled with another framework.
compile() {
  local framework options=()
  framework=$(printf '%s\n' "$(dirname "$(realpath "$(command -v dotnet)")")/shared/Microsoft.NETCore.App/${version%%.*}".* | sort -V | tail -n 1)
  case ${1##*/} in
    Containers.Core.dll | Containers.Core.Tests.dll | Containers.Security.Tests.dll)
      options=(--inputbubble --inputbubbleref "$framework/*.dll" --inputbubbleref "${1%/*}/*.dll" --compilebubblegenerics '--non-local-generics-module:*') ;;
  esac
  as_owner "$packages/microsoft.netcore.app.crossgen2.linux-x64/$version/tools/crossgen2" "$1" -o "$2" --targetos linux --targetarch x64 -O \
    -r "$framework/*.dll" -r "${1%/*}/*.dll" "${options[@]}"
}

# in_vm TRAIT PROJECTS: prints what is published of the projects (a pattern) that have tests of the trait. Whatever has
# nothing to show in the machine is left out: everything takes ten times as long there.
in_vm() { projects_with "$1" | grep -E "/tests/($2)/" | sed 's|.*/tests/\([^/]*\)/.*|artifacts/published/\1|'; }

# boot KIND TRAIT PROJECTS OPTION...: runs the tests of the trait in the machine.
boot() {
  local kind=$1 trait=$2 folders
  mapfile -t folders < <(in_vm "$trait" "$3")
  shift 3
  ((${#folders[@]})) && eng/vm.sh --filter "$trait" --timeout "${limit[$kind]}" --results "$out/$kind" "$@" "${folders[@]}"
}

# count_vm KIND TRAIT PROJECTS STATUS: adds what the tests reported, once the machine is off.
count_vm() {
  local kind=$1 trait=$2 status=$4 folder folders project ended
  mapfile -t folders < <(in_vm "$trait" "$3")
  ((${#folders[@]})) || failed "$kind: no test is marked $trait"
  for folder in "${folders[@]}"; do
    project=$(basename "$folder")
    ended=$(sed -n "s/^vm: $project ended with //p" "$out/$kind/console.log" || true)
    ((status != 124)) || ended=124
    count "$kind" "$project" "${ended:-0}" "$out/$kind/$project.xml" "$out/$kind/console.log"
  done
}

# run_vm KIND TRAIT PROJECTS OPTION...: both.
run_vm() {
  local status=0 began=$SECONDS
  current=$1
  boot "$@" || status=$?
  count_vm "$1" "$2" "$3" "$status"
}

((EUID == 0)) || { echo 'eng/test.sh: namespaces, cgroups and apt need root: sudo eng/test.sh' >&2; trap - EXIT; exit 1; }
command -v dotnet > /dev/null || { echo "eng/test.sh: no dotnet in PATH ($PATH); with sudo: sudo env PATH=\$PATH eng/test.sh" >&2; trap - EXIT; exit 1; }
rm -rf artifacts/test artifacts/packages artifacts/published
as_owner mkdir -p "$out" artifacts/packages
# Below no folder that an ordinary user may not enter, as the checkout may be.
scratch=$(mktemp -d /var/tmp/containers-test.XXXXXX)
chmod 755 "$scratch"

step 'What the tests need'
current='installing packages'
missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${Status}' "$package" 2> /dev/null) == *' installed' ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  logged apt-update apt-get update -q
  logged apt-install env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
id "$user" > /dev/null 2>&1 || useradd --create-home --shell /bin/sh "$user"
dotnet=$(dirname "$(realpath "$(command -v dotnet)")")
as_user=(setpriv --reuid "$user" --regid "$user" --init-groups --reset-env)
if ! in_folder / "${as_user[@]}" test -x "$dotnet/dotnet"; then
  cp -aL "$dotnet" "$scratch/dotnet"
  dotnet=$scratch/dotnet
fi
as_user+=(env DOTNET_ROOT="$dotnet" DOTNET_CLI_TELEMETRY_OPTOUT=1 LC_ALL=C.UTF-8)
echo "packages: ${packages[*]}; user: $(id "$user")"

step 'Build, without a warning'
current='dotnet build'
# One compiler for all projects, of this run alone: to load the analyzers anew for each takes longer than they do.
built() {
  local ended=0 pipe=containers-test-$$ roslyn
  as_owner dotnet build Containers.sln -c Release -warnaserror -p:UseSharedCompilation=true -p:SharedCompilationId="$pipe" || ended=$?
  roslyn=$(as_owner dotnet msbuild src/Containers.Core -getProperty:RoslynTargetsPath) &&
    as_owner dotnet "$roslyn/bincore/VBCSCompiler.dll" -shutdown "-pipename:$pipe" || echo 'the compiler goes on for a while'
  return $ended
}
logged build built

# The machine has no compilers.
gcc -O1 -static -Wall -Werror -o tests/Containers.Security.Tests/bin/Release/net10.0/Attacks/attack tests/Containers.Security.Tests/Attacks/attack.c
apparmor_parser --skip-kernel-load --skip-cache --features-file /usr/share/apparmor-features/features \
  -o tests/Containers.Core.Tests/bin/Release/net10.0/containers-test.apparmor.bin tests/Containers.Core.Tests/Security/containers-test.apparmor
secilc --policyvers=33 --filecontext=/dev/null --output=tests/Containers.Core.Tests/bin/Release/net10.0/containers-test.selinux.bin \
  tests/Containers.Core.Tests/Security/containers-test.cil

# Beside packages and samples: what of the formatting the build has not said.
formatted() {
  local ended=0
  logged format dotnet format whitespace . --folder --verify-no-changes --exclude artifacts tests/Containers.Security.Tests/bin || ended=1
  logged order eng/order.sh || ended=1
  return $ended
}
formatted &
formatting=$!

# Beside tests that wait more than they compute, and only when nobody else wants a processor: what the machine runs.
prepare_machine() {
  local folders
  renice -n 19 -p "$BASHPID" > /dev/null
  logged machine eng/vm.sh --prepare || return
  mapfile -t folders < <(for trait in Vm Initramfs SELinux; do projects_with "Category=$trait"; done | sort -u)
  logged publish publish "${folders[@]}"
}

step 'Packages, and the first example of README.md in a project of its own that references them'
current='packages'
logged pack as_owner dotnet pack Containers.sln --no-build -c Release -o artifacts/packages || failed 'dotnet pack'
eng/try-packages.sh "$scratch/consumer" > "$out/try-packages.log" 2>&1 || { tail -n 40 "$out/try-packages.log"; failed 'a project that uses the packages'; }

step 'Samples'
for project in samples/*/*.csproj; do
  [[ -e $project ]] || continue
  name=$(basename "$project" .csproj)
  current="sample $name"
  # Root's bridges, rules and forwarding are not for the network of who runs this.
  network=()
  [[ $name != Network ]] || network=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh)
  logged "sample-$name" timeout -k 10 "${limit[sample]}" "${network[@]}" dotnet run -c Release --no-build --project "$project" || failed "sample $name"
  cp -a "${project%/*}/bin/Release/net10.0" "$scratch/$name"
  logged "sample-$name-user" in_folder / timeout -k 10 "${limit[sample]}" "${as_user[@]}" "$scratch/$name/$name" || failed "sample $name as $user"
done

step 'Formatting'
current='dotnet format'
wait "$formatting" || failed 'formatting (see above)'

step 'Tests as root'
preparing=
mapfile -t folders < <(projects_with)
for folder in "${folders[@]}"; do
  if [[ $(name_of "$folder") == Containers.Networking.Tests ]]; then
    prepare_machine &
    preparing=$!
  fi
  run root "$folder"
done
wait "$preparing" || failed 'what the machine runs was not published (see above)'

step "Tests of Category=Rootless as $user"
mapfile -t folders < <(projects_with Category=Rootless)
((${#folders[@]})) || failed 'user: no test is marked Category=Rootless'
for folder in "${folders[@]}"; do
  cp -a "$folder" "$scratch/$(name_of "$folder")"
  chown -R "$user" "$scratch/$(name_of "$folder")"
  run user "$scratch/$(name_of "$folder")" "${as_user[@]}" -- --filter-trait Category=Rootless
done

step 'Tests of Category=Vm as root, on cgroup v2'
run_vm vm Category=Vm 'Containers\..*'

# Few tests each, and none of time: most of it is two boots, which use one processor each.
step 'Tests of Category=Initramfs, with no other root, and of Category=SELinux'
current='initramfs and selinux'
began=$SECONDS
statuses=(0 0)
boot initramfs Category=Initramfs 'Containers\..*' --append containers.root=initramfs > "$out/initramfs.log" 2>&1 &
first=$!
boot selinux Category=SELinux 'Containers\..*' --append security=selinux > "$out/selinux.log" 2>&1 || statuses[1]=$?
wait "$first" || statuses[0]=$?
cat "$out/initramfs.log" "$out/selinux.log"
count_vm initramfs Category=Initramfs 'Containers\..*' "${statuses[0]}"
count_vm selinux Category=SELinux 'Containers\..*' "${statuses[1]}"

step 'Tests of Category=Rootless as an ordinary user, on cgroup v2'
run_vm vm-user Category=Rootless 'Containers\.Core\.Tests' --user

finish
