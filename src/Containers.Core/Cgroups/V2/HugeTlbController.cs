using Containers.Interop;

namespace Containers.Cgroups.V2;

/// <summary>
/// The <c>hugetlb</c> controller of cgroup v2 (cgroup-v2.rst, "HugeTLB"). Huge pages are not counted as memory, so they would be a way
/// around the memory limit: an engine's containers get none, by one limit on the group above them all.
/// </summary>
internal static class HugeTlbController
{
    public static void Deny(ControlGroup enginesGroup)
    {
        foreach (var size in HugePageSizes.OfThisHost())
        {
            var file = System.Text.Encoding.ASCII.GetBytes($"hugetlb.{size}.max");
            var errno = enginesGroup.TryWrite(file, 0);
            if (errno != Errno.ENOENT)
            {
                enginesGroup.Require(errno, file, "0"u8);
            }
        }
    }
}
