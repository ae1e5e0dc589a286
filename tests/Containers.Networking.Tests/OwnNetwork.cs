using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Containers.Interop;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Tests;

/// <summary>
/// Before anything else of the tests runs, this process becomes one in a network namespace of its own: it plays the host, and the machine's
/// network is never touched. Only a fresh process can do that for all its threads.
/// </summary>
internal static partial class OwnNetwork
{
    private const string Mark = "CONTAINERS_TESTS_OWN_NETWORK";
    private const string Unshare = "/usr/bin/unshare";

    /// <summary>Whether this process has it.</summary>
    public static bool IsHere => Environment.GetEnvironmentVariable(Mark) is not null;

#pragma warning disable CA2255 // It is an executable, whose first code has to be this.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Enter()
    {
        if (Libc.EffectiveUserId() != 0 || !File.Exists(Unshare))
        {
            return;
        }

        if (IsHere)
        {
            using var links = RouteClient.Open();
            links.Links.SetUp(links.Links.Get("lo").Index);
            AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
            {
                using var here = NetworkNamespace.Current();
                TestNamespace.RemoveRecords(here);
            };
            return;
        }

        Environment.SetEnvironmentVariable(Mark, "1");
        var given = Environment.GetCommandLineArgs();
        var isHosted = Path.GetFileName(Environment.ProcessPath) == "dotnet";
        string?[] arguments = [Unshare, "--net", Environment.ProcessPath!, .. isHosted ? given : given[1..], null];
        string?[] variables = [.. Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(static entry => $"{entry.Key}={entry.Value}"), null];
        _ = Execute(Unshare, arguments, variables);
        throw new InvalidOperationException($"cannot run {Unshare}: errno {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Execute(string path, string?[] arguments, string?[] variables);
}
