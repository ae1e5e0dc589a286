using Containers.Firewall;
using Microsoft.Extensions.Logging;

namespace Containers.Egress;

/// <summary>What the guard's table has for one port; taken away when it is disposed.</summary>
internal sealed class PortGuard(FirewallTable firewall, GuardedPort port, EgressSession? policy, ILogger logger) : IDisposable
{
    private int _isDisposed;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        try
        {
            if (policy is not null)
            {
                firewall.Client.Commit(batch => HostAccess.Remove(batch, firewall, port, policy.Chains.Policy));
                policy.RemovePort(port);
            }
            else
            {
                GuardRemoval.Run(firewall.Client, firewall.Guard, (batch, isThere) => port.Remove(batch, firewall.Guard, hasPolicy: false, isThere));
            }
        }
        catch (NetworkException fault)
        {
            logger.NetworkFault(fault);
        }
    }
}
