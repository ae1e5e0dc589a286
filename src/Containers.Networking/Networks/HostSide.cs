using System.Globalization;
using System.Security.Cryptography;
using Containers.Firewall;
using Containers.Interop;
using Containers.Names;
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

    private const string AliasPrefix = "containers:";
    private const int PortNameCharacters = 12;

    /// <summary>What is left of the 15 characters of a name.</summary>
    private const int MostBridges = 0x1000;

    private const int MarkCharacters = 8;

    private readonly EngineDirectory _directory;
    private readonly IReadOnlyList<IFirewallPart> _parts;
    private readonly HashSet<int> _bridges = [];

    public HostSide(EngineDirectory directory, IReadOnlyList<IFirewallPart> parts, ILogger logger)
    {
        _directory = directory;
        _parts = parts;
        Logger = logger;
        Links = RouteClient.Open();
        Records = RecordsHere();
        Removal = new LinkRemoval(logger);
        Names = new NameRegistry(new HostResolvers(), logger.AnswerFailed);
        DeadEngines.Sweep(this);
    }

    /// <summary>Interfaces, addresses and routes of the host.</summary>
    public RouteClient Links { get; }

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

    /// <summary>The engine's rules; null while it has no bridge.</summary>
    public FirewallTable? Firewall { get; private set; }

    /// <summary>What is written on each bridge, for those who wonder whose it is.</summary>
    public string Alias => AliasPrefix + _directory.Path;

    public FirewallTable EnsureFirewall() => Firewall ??= FirewallTable.Create(TableOf(Mark), _parts);

    public void DropFirewall()
    {
        var firewall = Firewall;
        Firewall = null;
        firewall?.Dispose();
    }

    /// <summary>A name for a bridge, this engine's mark in it.</summary>
    public string TakeBridgeName()
    {
        for (var number = 0; number < MostBridges; number++)
        {
            if (_bridges.Add(number))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{BridgePrefix}{Mark}{number:x}");
            }
        }

        throw new NetworkException("name a bridge", null, $"An engine has {MostBridges} networks at most: remove some.");
    }

    public void ReturnBridgeName(string name) => _bridges.Remove(int.Parse(name.AsSpan(BridgePrefix.Length + MarkCharacters), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    /// <summary>A name for the host's end of a container's interface.</summary>
    public static string NewPortName() => PortPrefix + RandomNumberGenerator.GetHexString(PortNameCharacters, lowercase: true);

    /// <summary>The mark of the engine whose bridge this is, by its name; null: it is none's.</summary>
    public static string? MarkOf(string name)
    {
        var rest = name.StartsWith(BridgePrefix, StringComparison.Ordinal) ? name[BridgePrefix.Length..] : string.Empty;
        return rest.Length > MarkCharacters && rest.All(char.IsAsciiHexDigitLower) ? rest[..MarkCharacters] : null;
    }

    /// <summary>The name of the table of the engine with this mark.</summary>
    public static string TableOf(string mark) => "containers-" + mark;

    private string Mark => _directory.Name[..MarkCharacters];

    public void Dispose()
    {
        Removal.Dispose();
        DropFirewall();
        Links.Dispose();
    }

    private static string RecordsHere()
    {
        const string Here = "/proc/thread-self/ns/net";
        return FileStatus.TryGet(Here, out var status)
            ? string.Create(CultureInfo.InvariantCulture, $"{EngineDirectory.DefaultRoot()}-addresses/{status.Inode}")
            : throw new NetworkException("find the network namespace", Here, ErrnoNames.Last);
    }
}
