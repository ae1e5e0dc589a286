using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// Landlock as a second wall (Documentation/userspace-api/landlock.rst): whoever is restricted can change no mount, whatever
/// capabilities it gets hold of, and with these rules make no device either.
/// </summary>
internal static class LandlockSteps
{
    /// <summary>LANDLOCK_ACCESS_FS_MAKE_CHAR and _MAKE_BLOCK: handled, and allowed nowhere.</summary>
    private const ulong MakeDevices = (1UL << 6) | (1UL << 11);

    /// <summary>LANDLOCK_ACCESS_FS_REFER: what a domain does not handle is refused, so moving files between directories is allowed everywhere.</summary>
    private const ulong Refer = 1UL << 13;

    /// <summary>LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and _SIGNAL: only processes of the same domain are reached.</summary>
    private const ulong Scopes = 3;

    private const ulong Execute = 1;
    private const ulong WriteFile = 1UL << 1;
    private const ulong ReadFile = 1UL << 2;
    private const ulong ReadDirectory = 1UL << 3;
    private const ulong Truncate = 1UL << 14;
    private const ulong ControlDevice = 1UL << 15;

    /// <summary>LANDLOCK_ACCESS_NET_BIND_TCP and _CONNECT_TCP.</summary>
    private const ulong Network = 3;

    private const int RulePathBeneath = 1;
    private const int VersionWithRefer = 2;
    private const int VersionWithTruncate = 3;
    private const int VersionWithNetwork = 4;
    private const int VersionWithDeviceControl = 5;

    /// <summary>The first version that keeps signals inside.</summary>
    public const int VersionWithScopes = 6;

    public static void Restrict(ProgramBuilder program, int version)
    {
        var rules = MakeRules(program, version, MakeDevices | (version >= VersionWithRefer ? Refer : 0), 0);
        if (version >= VersionWithRefer)
        {
            Allow(program, rules, "/", Refer);
        }

        program.Call(SystemCall.LandlockRestrictSelf, "restrict by", "Landlock", rules, 0);
    }

    /// <summary>As the only wall around files: nothing is reached but what is named here.</summary>
    /// <param name="program">The program.</param>
    /// <param name="version">Of the kernel's Landlock.</param>
    /// <param name="places">Paths of the host; those that are not there are left out.</param>
    public static void Confine(ProgramBuilder program, int version, IEnumerable<ReachablePath> places)
    {
        var all = (1UL << 13) - 1;
        all |= version >= VersionWithRefer ? Refer : 0;
        all |= version >= VersionWithTruncate ? Truncate : 0;
        all |= version >= VersionWithDeviceControl ? ControlDevice : 0;
        var rules = MakeRules(program, version, all, version >= VersionWithNetwork ? Network : 0);
        foreach (var place in places)
        {
            var access = Execute | ReadFile | (place.IsWritable ? all & ~MakeDevices : ReadDirectory);
            Allow(program, rules, place.Path, place.IsDirectory ? access : access & (Execute | ReadFile | WriteFile | Truncate | ControlDevice));
        }

        program.Call(SystemCall.LandlockRestrictSelf, "restrict by", "Landlock", rules, 0);
    }

    private static Cell MakeRules(ProgramBuilder program, int version, ulong files, ulong network)
    {
        // struct landlock_ruleset_attr, as long as this version knows it: filesystem, network, scopes.
        ReadOnlySpan<ulong> attributes = [files, network, Scopes];
        var size = version >= VersionWithScopes ? 24 : version >= VersionWithNetwork ? 16 : 8;
        var rules = program.NewCell();
        program.Call(SystemCall.LandlockCreateRuleset, "make the rules of", "Landlock", program.Bytes(MemoryMarshal.AsBytes(attributes)), size, 0).Into(rules);
        return rules;
    }

    private static void Allow(ProgramBuilder program, Cell rules, string path, ulong access)
    {
        var place = program.Reserve(8);
        var rule = program.Reserve(16);
        var absent = new Jump();
        program.Call(SystemCall.OpenAt, "open", path, Libc.AtFdCwd, program.Text(path), Libc.OpenPath | Libc.OpenCloseOnExec, 0).Into32(place)
            .Ignoring(Errno.ENOENT).OrJumpTo(absent);

        // struct landlock_path_beneath_attr, packed: the access, then the directory.
        program.Add(StepOperation.Copy32, "allow access below", path, (long)rule, (long)access);
        program.Add(StepOperation.Copy32, "allow access below", path, (long)(rule + 8), new Cell(place));
        program.Call(SystemCall.LandlockAddRule, "allow access below", path, rules, RulePathBeneath, (long)rule, 0);
        program.Land(absent);
    }
}

/// <summary>A path of the host that a container without namespaces reaches.</summary>
internal readonly record struct ReachablePath(string Path, bool IsDirectory, bool IsWritable);
