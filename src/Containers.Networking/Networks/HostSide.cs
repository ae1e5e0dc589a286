using System.Globalization;
using System.Security.Cryptography;
using Containers.Firewall;
using Containers.Interop;
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
    private const int BridgeNameBytes = 4;
    private const int PortNameCharacters = 11;
    private const int MarkCharacters = 8;

    private readonly EngineDirectory _directory;
    private readonly IReadOnlyList<IFirewallPart> _parts;

    public HostSide(EngineDirectory directory, IReadOnlyList<IFirewallPart> parts, ILogger logger)
    {
        _directory = directory;
        _parts = parts;
        Logger = logger;
        Links = RouteClient.Open();
        Records = RecordsHere();
        Removal = new LinkRemoval(Links.Links, logger);
    }

    /// <summary>Interfaces, addresses and routes of the host.</summary>
    public RouteClient Links { get; }

    public LinkRemoval Removal { get; }

    public ILogger Logger { get; }

    /// <summary>
    /// The directory of the records of subnets and addresses: one for all engines of a network namespace, whatever their state directories,
    /// and not of another namespace's engines, which may have the same addresses.
    /// </summary>
    public string Records { get; }

    /// <summary>The engine's rules; null while it has no bridge.</summary>
    public FirewallTable? Firewall { get; private set; }

    /// <summary>What is written on each interface of this engine.</summary>
    public string Alias => AliasPrefix + _directory.Path;

    public string TableName => TableOf(_directory.Path);

    public FirewallTable EnsureFirewall() => Firewall ??= FirewallTable.Create(TableName, _parts);

    public void DropFirewall()
    {
        var firewall = Firewall;
        Firewall = null;
        firewall?.Dispose();
    }

    public static string NewBridgeName() => BridgePrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(BridgeNameBytes));

    public static string NewPortName() => PortPrefix + RandomNumberGenerator.GetHexString(PortNameCharacters, lowercase: true);

    /// <summary>The directory of the engine that wrote this on an interface; null: none did.</summary>
    public static string? DirectoryOf(string? alias) => alias is not null && alias.StartsWith(AliasPrefix, StringComparison.Ordinal) ? alias[AliasPrefix.Length..] : null;

    /// <summary>The name of the table of the engine with this directory.</summary>
    public static string TableOf(string directory)
    {
        var name = Path.GetFileName(directory);
        return "containers-" + name[..Math.Min(MarkCharacters, name.Length)];
    }

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
