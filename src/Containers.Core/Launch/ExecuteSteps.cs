using System.Collections.Immutable;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The end of every program: nothing of the host is open any more, and user code takes over.</summary>
internal static class ExecuteSteps
{
    private const int SetMask = 2; // SIG_SETMASK
    private const int KernelSignalSetSize = 8;

    /// <summary>
    /// Closes, rather than marks close-on-exec, everything above the job's own descriptors: the path to execute may itself be
    /// /proc/self/fd/N (CVE-2024-21626). Only the pipe that tells of the execve stays, where asked for: a write end of a pipe, which
    /// nobody can execute.
    /// </summary>
    public static void CloseDescriptors(ProgramBuilder program, int? execPipe)
    {
        const int First = 3;
        program.Call(SystemCall.SetSignalMask, "unblock every signal", null, SetMask, program.Bytes(stackalloc byte[KernelSignalSetSize]), 0, KernelSignalSetSize);
        if (execPipe is { } pipe)
        {
            program.Call(SystemCall.DuplicateTo, "keep the pipe of", "the execve", pipe, First, Libc.OpenCloseOnExec);
        }

        program.Call(SystemCall.CloseRange, "close every other descriptor", null, execPipe is null ? First : First + 1, uint.MaxValue, 0);
    }

    /// <summary>Tries each path; the launcher's shared cells keep every result for the host, which makes the message.</summary>
    public static ImmutableArray<ExecAttempt> Execute(
        ProgramBuilder program, ImmutableArray<string> executables, ImmutableArray<string> arguments, ImmutableArray<string> environment)
    {
        var argv = program.TextArray(arguments);
        var envp = program.TextArray(environment);
        var attempts = ImmutableArray.CreateBuilder<ExecAttempt>(executables.Length);
        var tooMany = executables.Length > MaxAttempts;
        foreach (var path in executables.AsSpan()[..Math.Min(executables.Length, MaxAttempts)])
        {
            attempts.Add(new ExecAttempt(path, program.NewSharedCell(), program.NewSharedCell()));
        }

        program.Add(StepOperation.Phase, "everything is in force", null, (long)LaunchPhase.Executing);
        foreach (var attempt in attempts)
        {
            program.Call(SystemCall.Execve, "execute", attempt.Path, program.Text(attempt.Path), argv, envp).Into(attempt.Result.Cell).IgnoringAll();
        }

        // Why it failed: "not found" of a file that exists means its interpreter is missing.
        foreach (var attempt in attempts)
        {
            program.Call(SystemCall.AccessAt, "look for", attempt.Path, Libc.AtFdCwd, program.Text(attempt.Path), 0).Into(attempt.Exists.Cell).IgnoringAll();
        }

        program.Add(StepOperation.Fail, "execute", arguments[0], (long)(tooMany ? Errno.E2BIG : Errno.ENOENT));
        return attempts.MoveToImmutable();
    }

    private const int MaxAttempts = 32;
}

/// <summary>One path that execve was tried with, and where its result and the file's existence are kept.</summary>
internal readonly record struct ExecAttempt(string Path, SharedCell Result, SharedCell Exists);
