using Containers.Interop;

namespace Containers.Launch;

/// <summary>Where the host has something to do in the network namespace of a container before anything of the user's runs there.</summary>
internal static class GateSteps
{
    /// <summary>As early as it can be, so that the host works on it while the root is built. The root of before shows this process's own namespaces.</summary>
    public static void GiveNetwork(ProgramBuilder program, LaunchContext context)
    {
        const string Own = "/proc/self/ns/net";
        var network = program.NewCell();
        program.Call(SystemCall.OpenAt, "open", Own, Libc.AtFdCwd, program.Text(Own), Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0).Into(network);
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Network, context.LaunchId, [network]);
        program.Call(SystemCall.Close, "close", Own, network);
    }

    /// <summary>Before settings of its interfaces are written, and before its network is looked at in any way.</summary>
    public static void Wait(ProgramBuilder program, LaunchContext context, FileDescriptor gate) =>
        program.Call(SystemCall.Read, "wait for", "its network", context.DescriptorOf(gate), (long)program.Reserve(sizeof(ulong)), sizeof(ulong));
}
