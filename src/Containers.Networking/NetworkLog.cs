using Microsoft.Extensions.Logging;

namespace Containers;

/// <summary>What networks log. Never an address or a name that a container asked for.</summary>
internal static partial class NetworkLog
{
    [LoggerMessage(EventId = 200, Level = LogLevel.Debug, Message = "Network {Network} is made as {Bridge}")]
    public static partial void NetworkMade(this ILogger logger, string network, string bridge);

    [LoggerMessage(EventId = 201, Level = LogLevel.Warning, Message = "The interface {Link} could not be deleted")]
    public static partial void NotRemoved(this ILogger logger, string link, Exception fault);

    [LoggerMessage(EventId = 202, Level = LogLevel.Warning, Message = "{Setting} was {Before} and is {Now} now, so that containers reach other networks; it stays, as others may rely on it by then. Traffic between the interfaces that were there before is still not forwarded while this engine has a network")]
    public static partial void ForwardingEnabled(this ILogger logger, string setting, string before, string now);

    [LoggerMessage(EventId = 203, Level = LogLevel.Warning, Message = "The bridge {Bridge} of network {Network} was gone and is made again")]
    public static partial void BridgeRepaired(this ILogger logger, string network, string bridge);

    [LoggerMessage(EventId = 204, Level = LogLevel.Information, Message = "Took away {Count} interfaces of engines whose processes have died")]
    public static partial void Swept(this ILogger logger, int count);

    [LoggerMessage(EventId = 205, Level = LogLevel.Warning, Message = "What a network had could not be taken away")]
    public static partial void NetworkFault(this ILogger logger, Exception fault);

    [LoggerMessage(EventId = 206, Level = LogLevel.Warning, Message = "The bridge {Bridge} of network {Network} had lost addresses and has them again")]
    public static partial void AddressesRestored(this ILogger logger, string network, string bridge);

    [LoggerMessage(EventId = 207, Level = LogLevel.Warning, Message = "The way of network {Network} to its other hosts was gone and is made again")]
    public static partial void OverlayRepaired(this ILogger logger, string network);

    [LoggerMessage(EventId = 208, Level = LogLevel.Warning, Message = "What somebody took away from network {Network} cannot be made again; it is tried later")]
    public static partial void NotRepaired(this ILogger logger, string network, Exception fault);

    [LoggerMessage(EventId = 209, Level = LogLevel.Warning, Message = "{Path} of container {Container} could not be changed when its networks did")]
    public static partial void NotFollowed(this ILogger logger, string container, string path, Exception fault);

    [LoggerMessage(EventId = 210, Level = LogLevel.Warning, Message = "The container {Container} has published ports and no way out: {Reason}. {Remedy}")]
    public static partial void NoWayOut(this ILogger logger, string container, string reason, string remedy);

    [LoggerMessage(EventId = 211, Level = LogLevel.Warning, Message = "pasta has ended, and the container {Container} has no way out any more")]
    public static partial void WayOutLost(this ILogger logger, string container);

    [LoggerMessage(EventId = 212, Level = LogLevel.Warning, Message = "A connection could not be passed on to a container: no socket could be made in its network")]
    public static partial void NoSocketInside(this ILogger logger, Exception fault);

    [LoggerMessage(EventId = 213, Level = LogLevel.Warning, Message = "The chain {Chain} refuses what it does not accept of forwarded packets, whatever other tables say, and names no interface that begins with {Bridges}: containers reach nothing beyond their network, and their published ports may not be reached, until it accepts these as input and as output (with Docker: iptables -I DOCKER-USER -i {Bridges}+ -j ACCEPT, and the same with -o; with ufw: ufw route allow in on {Bridges}+, and out; with firewalld: firewall-cmd --permanent --zone=trusted --add-interface={Bridges}+, and --reload)")]
    public static partial void OthersRefuseForwarded(this ILogger logger, string chain, string bridges);

    [LoggerMessage(EventId = 215, Level = LogLevel.Warning, Message = "The chain {Chain} refuses what it does not accept of packets to this host, whatever other tables say, and names no interface that begins with {Bridges}: containers may get no answers to names, nor reach what they are allowed of this host, until it accepts these as input (with ufw: ufw allow in on {Bridges}+; with firewalld: firewall-cmd --permanent --zone=trusted --add-interface={Bridges}+, and --reload; otherwise: iptables -I INPUT -i {Bridges}+ -j ACCEPT)")]
    public static partial void OthersRefuseInput(this ILogger logger, string chain, string bridges);

    [LoggerMessage(EventId = 214, Level = LogLevel.Warning, Message = "What an engine whose process has died left could not be taken away; the next engine tries again")]
    public static partial void NotSwept(this ILogger logger, Exception fault);

    [LoggerMessage(EventId = 240, Level = LogLevel.Warning, Message = "A container was not given an answer about a name")]
    public static partial void AnswerFailed(this ILogger logger, Exception fault);
}
