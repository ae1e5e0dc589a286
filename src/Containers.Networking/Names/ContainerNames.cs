using System.Net;
using Containers.Egress;

namespace Containers.Names;

/// <summary>One container among the names: what it is called in each network, and what it sees of the others.</summary>
internal sealed class ContainerNames(NameView view)
{
    private NameView _view = view;

    /// <summary>What it sees now.</summary>
    public NameView View => Volatile.Read(ref _view);

    /// <summary>It is in a network from now on, by these names. Disposing the result takes it out.</summary>
    /// <param name="zone">The network.</param>
    /// <param name="addresses">Its addresses there, which nobody else has.</param>
    /// <param name="names">Its name first, which reverse look-ups give; then its aliases, which others may have too.</param>
    /// <exception cref="ArgumentException">A name cannot be asked for.</exception>
    public IDisposable Join(NameZone zone, IReadOnlyList<IPAddress> addresses, params IReadOnlyList<string> names)
    {
        string[] valid = [.. names.Select(static name => DomainName.Check(name, nameof(names))).Distinct(StringComparer.Ordinal)];
        Change(view => view with { Zones = view.Zones.Add(zone), MayForward = view.MayForward || !zone.IsInternal });
        zone.Add(this, addresses, valid);
        return new Membership(this, zone, addresses, valid);
    }

    /// <summary>From now on somebody watches over what it resolves.</summary>
    public void Observe(INameObserver observer) => Change(view => view with { Observer = observer });

    private void Change(Func<NameView, NameView> change)
    {
        NameView before;
        do
        {
            before = View;
        }
        while (Interlocked.CompareExchange(ref _view, change(before), before) != before);
    }

    private sealed class Membership(ContainerNames container, NameZone zone, IReadOnlyList<IPAddress> addresses, string[] names) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
            {
                return;
            }

            zone.Remove(addresses, names);
            container.Change(view =>
            {
                var left = view.Zones.Remove(zone);
                return view with { Zones = left, MayForward = left.Any(static other => !other.IsInternal) };
            });
        }
    }
}
