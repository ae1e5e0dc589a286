namespace Containers;

/// <summary>The transport protocol of a port. A port of TCP and one of UDP with the same number have nothing to do with each other.</summary>
public enum PortProtocol
{
    /// <summary>TCP.</summary>
    Tcp,

    /// <summary>UDP.</summary>
    Udp,
}
