using System.Globalization;
using System.Security.Cryptography;
using Containers.Firewall;
using Containers.Interop;
using Containers.Names;
using Containers.Processes;
using Containers.Rtnetlink;
using Microsoft.Extensions.Logging;

namespace Containers.Networks;

/// <summary>What all networks of one engine share on the host: a socket for its interfaces, where its records are, and the table of rules.</summary>
internal sealed class HostSide : IDisposable
{
    /// <summary>Bridges of engines begin with it, so that a later engine finds those of a dead one.</summary>
    public const string BridgePrefix = "cbr-";

    /// <summary>The host's ends of containers' interfaces begin with it.</summary>
    public const string PortPrefix = "cv-";

    /// <summary>Ports of bridges to other hosts begin with it; what follows is the same as of the bridge.</summary>
    public const string OverlayPrefix = "cvx-";

    private const string TablePrefix = "containers-";
    private const string AliasPrefix = "containers:";
    private const int PortNameCharacters = 12;

    /// <summary>What is left of the 15 characters of a name.</summary>
    private const int MostBridges = 0x1000;

    private const int MarkCharacters = 8;

    private readonly ContainerEngine _engine;
    private readonly EngineDirectory _directory;
    private readonly IReadOnlyList<IFirewallPart> _parts;
    private readonly HashSet<int> _bridges = [];
    private readonly LateSweep? _sweep;

    public HostSide(ContainerEngine engine, IReadOnlyList<IFirewallPart> parts)
    {
        _engine = engine;
        _directory = engine.EnsureDirectory();
        _parts = parts;
        Reactor = engine.EnsureReactor();
        Logger = engine.Logger;
        Records = RecordsHere();
        Marks = new EngineMarks(Records, Mark);
        try
        {
            Links = RouteClient.Open();
            Watch = new LinkWatch(Reactor);
            Removal = new LinkRemoval(Logger);
            Names = new NameRegistry(new HostResolvers(), Logger.AnswerFailed);
            _sweep = new LateSweep(this);
        }
        catch
        {
            // The mark is free again for the next attempt.
            Dispose();
            throw;
        }
    }

    /// <summary>Interfaces, addresses and routes of the host.</summary>
    public RouteClient Links { get; }

    /// <summary>Waits for all that the engine waits for.</summary>
    public Reactor Reactor { get; }

    /// <summary>Hears what happens to the bridges.</summary>
    public LinkWatch Watch { get; }

    public LinkRemoval Removal { get; }

    /// <summary>The names on all networks of the engine.</summary>
    public NameRegistry Names { get; }

    /// <summary>Asks the host's resolvers for all of them.</summary>
    public QueryForwarder Forwarder { get; } = new();

    public ILogger Logger { get; }

    /// <summary>
    /// The directory of the records of subnets and addresses: one for all engines of a network namespace, whatever their state directories,
    /// and not of another namespace's engines, which may have the same addresses.
    /// </summary>
    public string Records { get; }

    /// <summary>Which engines live.</summary>
    public EngineMarks Marks { get; }

    /// <summary>The engine's rules; null while it has no bridge.</summary>
    public FirewallTable? Firewall { get; private set; }

    /// <summary>What is written on each bridge, for those who wonder whose it is.</summary>
    public string Alias => AliasPrefix + _directory.Path;

    /// <summary>Its owner is also held by the guardians: the rules outlive whatever runs in containers.</summary>
    public FirewallTable EnsureFirewall()
    {
        if (Firewall is null)
        {
            Firewall = FirewallTable.Create(TableOf(Mark), BridgesOf(Mark), _parts);
            _engine.HoldOpen(Firewall.Client.Descriptor);
        }

        return Firewall;
    }

    /// <summary>The rules are of no use any more. Those that belong to the engine's socket go with it, whatever is said to their removal.</summary>
    public void DropFirewall()
    {
        if (Firewall is { } firewall)
        {
            _engine.HoldOpen(null);
            Firewall = null;
            try
            {
                firewall.Dispose();
            }
            catch (NetworkException fault)
            {
                Logger.NetworkFault(fault);
            }
        }
    }

    /// <summary>A name for a bridge, this engine's mark in it.</summary>
    public string TakeBridgeName()
    {
        for (var number = 0; number < MostBridges; number++)
        {
            if (_bridges.Add(number))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{BridgesOf(Mark)}{number:x}");
            }
        }

        throw new NetworkException("name a bridge", null, $"An engine has {MostBridges} networks at most: remove some.");
    }

    public void ReturnBridgeName(string name) => _bridges.Remove(int.Parse(name.AsSpan(BridgePrefix.Length + MarkCharacters), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>A name for the host's end of a container's interface.</summary>
    public static string NewPortName() => PortPrefix + RandomNumberGenerator.GetHexString(PortNameCharacters, lowercase: true);

    /// <summary>The mark of the engine whose bridge this is, or a bridge's port to other hosts, by its name; null: it is none's.</summary>
    public static string? MarkOf(string name)
    {
        var isOurs = name.StartsWith(BridgePrefix, StringComparison.Ordinal) || name.StartsWith(OverlayPrefix, StringComparison.Ordinal);
        var rest = isOurs ? name[BridgePrefix.Length..] : string.Empty;
        return rest.Length > MarkCharacters && rest.All(char.IsAsciiHexDigitLower) ? rest[..MarkCharacters] : null;
    }

    /// <summary>What the names of the bridges of the engine with this mark begin with.</summary>
    public static string BridgesOf(string mark) => BridgePrefix + mark;

    /// <summary>The name of the table of the engine with this mark.</summary>
    public static string TableOf(string mark) => TablePrefix + mark;

    /// <summary>The mark of the engine whose table this is, by its name; null: it is none's.</summary>
    public static string? MarkOfTable(string name) =>
        name.StartsWith(TablePrefix, StringComparison.Ordinal) && name.Length == TablePrefix.Length + MarkCharacters && name.Skip(TablePrefix.Length).All(char.IsAsciiHexDigitLower)
            ? name[TablePrefix.Length..]
            : null;

    private string Mark => _directory.Name[..MarkCharacters];

    public void Dispose()
    {
        // Null where the constructor failed.
        _sweep?.Dispose();
        Watch?.Dispose();
        Removal?.Dispose();
        DropFirewall();
        Forwarder.Dispose();
        Links?.Dispose();
        Marks.Dispose();
    }

    /// <summary>Where engines of this network namespace keep their records.</summary>
    internal static string RecordsHere()
    {
        const string Here = "/proc/thread-self/ns/net";
        return FileStatus.TryGet(Here, out var status)
            ? string.Create(CultureInfo.InvariantCulture, $"{EngineDirectory.DefaultRoot()}-addresses/{status.Inode}")
            : throw new NetworkException("find the network namespace", Here, ErrnoNames.Last);
    }
}
