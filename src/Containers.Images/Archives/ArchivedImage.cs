using System.Collections.Immutable;
using Containers.Oci;

namespace Containers.Archives;

/// <summary>
/// An image in an archive, and what the archive calls it. Those names are whatever its author wrote: nothing is tagged by them unless
/// who imports it says so (CVE-2026-50195).
/// </summary>
internal sealed record ArchivedImage(ImmutableArray<string> Names, Descriptor Target);
