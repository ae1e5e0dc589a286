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

    private const int RulePathBeneath = 1;
    private const int VersionWithRefer = 2;
    private const int VersionWithNetwork = 4;
    private const int VersionWithScopes = 6;

    public static void Restrict(ProgramBuilder program, int version)
    {
        // struct landlock_ruleset_attr, as long as this version knows it: filesystem, network, scopes.
        ReadOnlySpan<ulong> attributes = [MakeDevices | (version >= VersionWithRefer ? Refer : 0), 0, Scopes];
        var size = version >= VersionWithScopes ? 24 : version >= VersionWithNetwork ? 16 : 8;
        var rules = program.NewCell();
        program.Call(SystemCall.LandlockCreateRuleset, "make the rules of", "Landlock", program.Bytes(MemoryMarshal.AsBytes(attributes)), size, 0).Into(rules);
        if (version >= VersionWithRefer)
        {
            var root = program.Reserve(8);
            var rule = program.Reserve(16);
            program.Call(SystemCall.OpenAt, "open", "/", Libc.AtFdCwd, program.Text("/"), Libc.OpenPath | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0).Into32(root);

            // struct landlock_path_beneath_attr, packed: the access, then the directory.
            program.Add(StepOperation.Copy32, "allow", "moving files", (long)rule, (long)Refer);
            program.Add(StepOperation.Copy32, "below", "/", (long)(rule + 8), new Cell(root));
            program.Call(SystemCall.LandlockAddRule, "allow moving files below", "/", rules, RulePathBeneath, (long)rule, 0);
        }

        program.Call(SystemCall.LandlockRestrictSelf, "restrict by", "Landlock", rules, 0);
    }
}
