using Containers.Interop;
using Containers.Launch;

namespace Containers.UserNetworks;

/// <summary>
/// Sockets of a network namespace that this process cannot enter, as it belongs to a user namespace and a process with several threads
/// cannot join one. A socket belongs for its life to the namespace it was made in, whoever uses it; so a child of the guardian goes there,
/// makes them, and sends them back. They keep the namespace alive.
/// </summary>
internal static class NamespaceSockets
{
    /// <summary>How many can be asked for at once.</summary>
    public const int Most = 32;

    /// <summary>Makes them.</summary>
    /// <param name="guardian">The one whose user namespace the network namespace belongs to, or is above it.</param>
    /// <param name="networkNamespace">Where; borrowed.</param>
    /// <param name="kinds">What, in the order of the result.</param>
    /// <exception cref="ContainerException">One of them cannot be made; then there is none.</exception>
    public static async Task<IReadOnlyList<FileDescriptor>> OpenAsync(Guardian guardian, FileDescriptor networkNamespace, IReadOnlyList<SocketKind> kinds)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(kinds.Count, Most, nameof(kinds));
        var id = guardian.NextId();
        using var program = Compile(id, kinds);
        using var errand = Errand.Start(guardian, id, program, passed: networkNamespace);
        await errand.Ended.ConfigureAwait(false);
        return await errand.Handed.ConfigureAwait(false);
    }

    private static SyscallProgram Compile(uint id, IReadOnlyList<SocketKind> kinds)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.JoinNamespaces);
        program.Call(SystemCall.SetNamespace, "join the namespace", nameof(NamespaceKind.Network), Errand.Passed, (long)Linux.CloneNewNetwork);
        var sockets = new Argument[kinds.Count];
        for (var i = 0; i < sockets.Length; i++)
        {
            var made = program.NewCell();
            var (family, type, protocol) = kinds[i];
            program.Call(SystemCall.Socket, "open a socket in the network of", "the container", family, type | Libc.SocketCloseOnExec, protocol).Into(made);
            sockets[i] = made;
        }

        GuardianProgram.AppendMessage(program, LauncherMessageKind.Handover, id, sockets);
        program.Call(SystemCall.ExitGroup, "end", null, 0);
        return program.Build();
    }
}

/// <summary>The arguments of socket(2).</summary>
internal readonly record struct SocketKind(int Family, int Type, int Protocol)
{
    public static SocketKind Tcp { get; } = new(2, 1, 6);

    public static SocketKind Udp { get; } = new(2, 2, 17);

    /// <summary>For interfaces, addresses and routes (rtnetlink(7)).</summary>
    public static SocketKind Route { get; } = new(Libc.AddressFamilyNetlink, Libc.SocketRaw, 0);

    /// <summary>For nf_tables.</summary>
    public static SocketKind Rules { get; } = new(Libc.AddressFamilyNetlink, Libc.SocketRaw, 12);
}
