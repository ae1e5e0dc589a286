using Containers.Interop;
using Containers.Nftables;

namespace Containers.Egress;

/// <summary>
/// Takes ports away. Their interfaces are mostly gone by then, and their chains with them or not, by the kernel's version: what should be
/// there is tried first, and only then looked for.
/// </summary>
internal static class GuardRemoval
{
    public static void Run(NftablesClient client, GuardTable guard, Action<NftBatch, Func<string, bool>> remove)
    {
        try
        {
            client.Commit(batch => remove(batch, static _ => true));
        }
        catch (NetworkException missing) when (missing.ErrorNumber == (int)Errno.ENOENT)
        {
            client.Update(batch =>
            {
                var present = client.ListChains(guard.Table).ToHashSet(StringComparer.Ordinal);
                remove(batch, present.Contains);
            });
        }
    }
}
