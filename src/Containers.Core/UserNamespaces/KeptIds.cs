using System.Globalization;
using Containers.Interop;
using Containers.Launch;
using Containers.Processes;

namespace Containers.UserNamespaces;

/// <summary>
/// A user namespace below an ordinary user's engine in which that user has its own ids, where in the engine's they are 0. Containers
/// that ask for it share it.
/// </summary>
internal static class KeptIds
{
    /// <summary>Makes it.</summary>
    /// <param name="guardian">The engine's; its user namespace is the parent.</param>
    /// <param name="ids">The further ids of that; null where it has the one alone.</param>
    /// <exception cref="ContainerException">It cannot be made; the message says why.</exception>
    public static async Task<FileDescriptor> MakeAsync(Guardian guardian, SubordinateIds? ids)
    {
        var (user, group) = (Libc.EffectiveUserId(), Libc.EffectiveGroupId());
        var id = guardian.NextId();
        using var program = CompileMaker(id, ids is null ? (user, group) : null);
        var hold = JobPipe.ForInput();
        using var hostEnd = hold.HostEnd;
        using var made = Errand.Start(guardian, id, program, passed: hold.JobEnd);
        hold.JobEnd.Dispose();
        var descriptor = (await made.Handed.ConfigureAwait(false))[0];
        try
        {
            if (ids is not null)
            {
                var mapperId = guardian.NextId();
                using var mapper = CompileMapper(await made.Spawned.ConfigureAwait(false), Lines(user, ids.UserCount), Lines(group, ids.GroupCount));
                using var mapped = Errand.Start(guardian, mapperId, mapper);
                await mapped.Ended.ConfigureAwait(false);
            }

            // The end of the pipe lets it end.
            hostEnd.Dispose();
            await made.Ended.ConfigureAwait(false);
            return descriptor;
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Of the ids 0 to <paramref name="count"/> of the parent, 0 becomes the own one, and those below that move down by one.</summary>
    internal static string Lines(uint own, uint count)
    {
        var below = Math.Min(own, count);
        var lines = below > 0 ? string.Create(CultureInfo.InvariantCulture, $"0 1 {below}\n{own} 0 1\n") : string.Create(CultureInfo.InvariantCulture, $"{own} 0 1\n");
        return own < count ? lines + string.Create(CultureInfo.InvariantCulture, $"{own + 1} {own + 1} {count - own}\n") : lines;
    }

    private static SyscallProgram CompileMaker(uint id, (uint User, uint Group)? alone)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.Isolate);

        // The files that map the ids of a non-dumpable process belong to the host's root. No container sees this one.
        program.Call(SystemCall.Prctl, "become dumpable", null, Linux.PrSetDumpable, 1);
        program.Call(SystemCall.Unshare, "make", "the user namespace", (long)Linux.CloneNewUser);
        program.Enter(SetupPhase.MapIds);
        if (alone is { } own)
        {
            GuardianProgram.WriteFile(program, "/proc/self/setgroups", "deny");
            GuardianProgram.WriteFile(program, "/proc/self/uid_map", string.Create(CultureInfo.InvariantCulture, $"{own.User} 0 1"));
            GuardianProgram.WriteFile(program, "/proc/self/gid_map", string.Create(CultureInfo.InvariantCulture, $"{own.Group} 0 1"));
        }

        var made = program.NewCell();
        program.Call(SystemCall.OpenAt, "open", "/proc/self/ns/user", Libc.AtFdCwd, program.Text("/proc/self/ns/user"), Libc.OpenReadOnly | Libc.OpenCloseOnExec, 0).Into(made);
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Handover, id, [made]);
        program.Call(SystemCall.Read, "wait for", "the ids", Errand.Passed, (long)program.Reserve(8), 8);
        return program.Build();
    }

    /// <summary>Run in the parent namespace, which alone may map more than one id.</summary>
    private static SyscallProgram CompileMapper(int process, string users, string groups)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.MapIds);
        GuardianProgram.WriteFile(program, string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/uid_map"), users);
        GuardianProgram.WriteFile(program, string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/gid_map"), groups);
        return program.Build();
    }
}
