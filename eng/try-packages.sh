#!/usr/bin/env bash
# Uses the packages of artifacts/packages as their users would: console projects outside the repository, made of the
# first C# example of README.md and of its first ones of images and of networks, are run; the smallest and the largest of
# them are published ahead of time and run again. The images come from a registry, to which another program has brought
# them, in a network namespace in which everything runs: bridges and rules are not for the network of who runs this.
#
#   eng/try-packages.sh FOLDER     the projects' folder, which is made
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
version=$(sed -n 's/.*<Version>\(.*\)<\/Version>.*/\1/p' "$repo/Directory.Build.props")
mkdir -p "$folder" "${NUGET_PACKAGES:-$HOME/.nuget/packages}"

# Prints the first C# example of README.md in which the text is.
example() {
  awk -v text="$1" '/^```csharp$/ { inside = 1; block = ""; next } /^```$/ { if (inside && index(block, text)) { printf "%s", block; exit } inside = 0 } inside { block = block $0 "\n" }' "$repo/README.md"
}

# use NAME PACKAGE...: makes a project of the program on standard input that references the packages, and runs it.
use() {
  local name=$1 project=$folder/$1
  shift
  mkdir -p "$project"
  sed "s|FromImage(\"|&$registry/|" > "$project/Program.cs"
  [[ -s $project/Program.cs ]] || { echo "README.md has no example for $*" >&2; exit 1; }

  # Packages come to a folder of these projects: the user's cache would go on serving this version as it was first seen.
  cat > "$project/$name.csproj" << XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <InvariantGlobalization>true</InvariantGlobalization>
    <PublishAot>true</PublishAot>
    <NuGetAudit>false</NuGetAudit>
    <RestorePackagesPath>$folder/packages</RestorePackagesPath>
    <RestoreFallbackFolders>${NUGET_PACKAGES:-$HOME/.nuget/packages}</RestoreFallbackFolders>
    <RestoreAdditionalProjectSources>$repo/artifacts/packages</RestoreAdditionalProjectSources>
  </PropertyGroup>
  <ItemGroup>
$(printf '    <PackageReference Include="%s" Version="'"$version"'" />\n' "$@")
  </ItemGroup>
</Project>
XML
  echo "$* as a project:"
  in_folder "$project" timeout 300 dotnet build -nologo -v:q
  in_network timeout 60 "$project/bin/Debug/net10.0/$name"
}

# ahead_of_time NAME: publishes a project, and runs it.
ahead_of_time() {
  echo "$1 published ahead of time:"
  in_folder "$folder/$1" timeout 600 dotnet publish -nologo -v:q -o published
  in_network timeout 60 "$folder/$1/published/$1"
}

in_folder() { (cd "$1" && shift && "$@"); }

# The registry keeps the namespace.
in_network() { nsenter --target "$keeper" --net "$@"; }

# An image of busybox in a registry of this script's own, under the names that the examples have.
serve_images() {
  local root=$folder/root layout=$folder/layout name
  printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: %s\n' "$folder/registry" "$registry" > "$folder/registry.yml"
  unshare --net sh -c 'ip link set lo up && exec docker-registry serve "$0"' "$folder/registry.yml" > "$folder/registry.log" 2>&1 &
  keeper=$!
  mkdir -p "$root/bin"
  cp /bin/busybox "$root/bin/"
  for name in sh sleep httpd wget; do
    ln -s busybox "$root/bin/$name"
  done
  umoci init --layout "$layout"
  umoci new --image "$layout:image"
  umoci insert --image "$layout:image" "$root" /
  for name; do
    serve "$layout:image" "$name"
  done
}

# serve IMAGE NAME: brings an image to the registry once that answers.
serve() {
  for _ in {1..50}; do
    ! in_network skopeo copy --quiet --dest-tls-verify=false "oci:$1" "docker://$registry/$2" 2> /dev/null || return 0
    read -rt 0.2 <> <(:) || :
  done
  echo 'the registry does not answer' >&2
  cat "$folder/registry.log" >&2
  return 1
}

registry=127.0.0.1:5000
keeper=
store=/var/lib/containers-net
[[ -e $store ]] && own_store= || own_store=$store
clean_up() {
  [[ -z $keeper ]] || kill "$keeper"
  [[ -z $own_store ]] || rm -rf "$own_store"
}
trap clean_up EXIT

serve_images alpine:3.20 busybox:1.36
example 'FromHost()' | use Example Containers.Core
ahead_of_time Example
example 'FromImage("alpine:3.20")' | use ImageExample Containers.Images
example 'Networks.CreateAsync' | use NetworkExample Containers.Images Containers.Networking
ahead_of_time NetworkExample
