#!/usr/bin/env bash
# Uses the packages of artifacts/packages as their users would: a console project outside the repository, made
# of the first C# example of README.md, is run, then published ahead of time and run again.
#
#   eng/try-packages.sh FOLDER     the project's folder, which is made
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
version=$(sed -n 's/.*<Version>\(.*\)<\/Version>.*/\1/p' "$repo/Directory.Build.props")
mkdir -p "$folder"
cd "$folder"

sed -n '/^```csharp$/,/^```$/p' "$repo/README.md" | sed '1d; /^```$/,$d' > Program.cs
[[ -s Program.cs ]] || { echo 'README.md has no C# example' >&2; exit 1; }

# Packages come to a folder of this project: the user's cache would go on serving this version as it was first seen.
cat > Example.csproj << XML
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
    <PackageReference Include="Containers.Core" Version="$version" />
  </ItemGroup>
</Project>
XML
mkdir -p "${NUGET_PACKAGES:-$HOME/.nuget/packages}"

echo 'As a project:'
timeout 300 dotnet build -nologo -v:q
timeout 60 bin/Debug/net10.0/Example
echo 'Published ahead of time:'
timeout 600 dotnet publish -nologo -v:q -o published
timeout 60 published/Example
