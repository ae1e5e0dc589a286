#!/usr/bin/env bash
# Uses the packages of artifacts/packages as their users would: console projects outside the repository, made of the
# first C# example of README.md and of its first example of images, are run, then published ahead of time and run again.
# The image comes from a registry on loopback, to which another program has brought it.
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

# use NAME PACKAGE: makes a project of the program on standard input that references the package, and runs it.
use() {
  local project=$folder/$1
  mkdir -p "$project"
  cat > "$project/Program.cs"
  [[ -s $project/Program.cs ]] || { echo "README.md has no example for $2" >&2; exit 1; }

  # Packages come to a folder of these projects: the user's cache would go on serving this version as it was first seen.
  cat > "$project/$1.csproj" << XML
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
    <PackageReference Include="$2" Version="$version" />
  </ItemGroup>
</Project>
XML
  (
    cd "$project"
    echo "$2 as a project:"
    timeout 300 dotnet build -nologo -v:q
    timeout 60 "bin/Debug/net10.0/$1"
    echo "$2 published ahead of time:"
    timeout 600 dotnet publish -nologo -v:q -o published
    timeout 60 "published/$1"
  )
}

# An image of busybox in a registry of this script's own, under the name that the example has.
serve_image() {
  local root=$folder/root layout=$folder/layout
  port=$((20000 + RANDOM % 10000))
  printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: 127.0.0.1:%s\n' "$folder/registry" "$port" > "$folder/registry.yml"
  docker-registry serve "$folder/registry.yml" > "$folder/registry.log" 2>&1 &
  registry=$!
  mkdir -p "$root/bin"
  cp /bin/busybox "$root/bin/"
  ln -s busybox "$root/bin/sh"
  umoci init --layout "$layout"
  umoci new --image "$layout:3.20"
  umoci insert --image "$layout:3.20" "$root" /
  for _ in {1..50}; do
    ! skopeo copy --quiet --dest-tls-verify=false "oci:$layout:3.20" "docker://127.0.0.1:$port/alpine:3.20" 2> /dev/null || return 0
    read -rt 0.2 <> <(:) || :
  done
  echo 'the registry does not answer' >&2
  cat "$folder/registry.log" >&2
  return 1
}

registry=
store=/var/lib/containers-net
[[ -e $store ]] && own_store= || own_store=$store
clean_up() {
  [[ -z $registry ]] || kill "$registry"
  [[ -z $own_store ]] || rm -rf "$own_store"
}
trap clean_up EXIT

example 'FromHost()' | use Example Containers.Core
serve_image
example 'FromImage("alpine:3.20")' | sed "s|alpine:3.20|127.0.0.1:$port/alpine:3.20|" | use ImageExample Containers.Images
