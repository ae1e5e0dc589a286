using System.Globalization;
using Containers.Interop;
using Containers.Launch;
using Containers.Processes;
using Containers.Specification;

namespace Containers;

// More processes in a container that runs.
public sealed partial class Container
{
    /// <summary>Runs a command in the container, with its user, directory and environment.</summary>
    /// <param name="command">The command and its arguments.</param>
    /// <inheritdoc cref="ExecAsync(IReadOnlyList{string}, ExecOptions, CancellationToken)"/>
    public Task<ContainerResult> ExecAsync(params string[] command) => ExecAsync(command, null);

    /// <summary>
    /// Runs a command in the container, in its namespaces, control groups and limits, with no more privilege than its main process
    /// got. It ends with the container at the latest.
    /// </summary>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="options">User, directory, environment, input, limits, terminal; null for the container's own.</param>
    /// <param name="cancellationToken">Kills the command; the result is then <see cref="Outcome.Canceled"/>. What it started goes on.</param>
    /// <returns>How it ended. Memory and CPU time are those of the command and the children it waited for.</returns>
    /// <exception cref="ArgumentException">The command is empty, or an option is not valid.</exception>
    /// <exception cref="ContainerException">The command could not be run; one that is not found is such a case.</exception>
    /// <exception cref="InvalidOperationException">The container does not run.</exception>
    public async Task<ContainerResult> ExecAsync(IReadOnlyList<string> command, ExecOptions? options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(command);
        RequireRunning();
        if (_spec.WithoutNamespaces)
        {
            throw new InvalidOperationException("A container without namespaces has none that a command could join: run another one beside it.");
        }

        var handed = _process!.Handed ?? throw new InvalidOperationException("Commands are run in a container started with StartAsync.");
        var spec = ExecSpec([.. command], options ?? new ExecOptions());
        JobProcess? process = null;
        using var watch = new JobWatch(_engine.Reactor, () => process?.Signal((int)Signal.Kill));
        using var streams = StandardStreams.Create(_engine.Reactor, spec, isLive: false, () => watch.Enforce(Outcome.OutputLimitExceeded));
        using (var group = _cgroup!.OpenCloneInto())
        {
            var context = LaunchPreparation.PrepareExec(_context!, spec, _guardian!.NextId(), _cgroup, group, handed);
            var compiled = ExecProgram.Compile(context, streams.JobEnds, handed.Terminals!);
            process = JobProcess.Start(_guardian!, context, compiled, streams, _engine.Reactor);
        }

        using (process)
        {
            watch.ProcessIsKnown();
            watch.LimitTime(spec.Timeout);
            var registration = cancellationToken.UnsafeRegister(static state => ((JobWatch)state!).Enforce(Outcome.Canceled), watch);
            await using (registration.ConfigureAwait(false))
            {
                return await ConcludeExecAsync(process, watch, streams).ConfigureAwait(false);
            }
        }
    }

    private static async Task<ContainerResult> ConcludeExecAsync(JobProcess process, JobWatch watch, StandardStreams streams)
    {
        var exit = await process.Exited.ConfigureAwait(false);
        watch.End(exit);
        var finishedAt = DateTimeOffset.UtcNow;
        await streams.CompleteAfterExitAsync().ConfigureAwait(false);
        var outcome = Verdict.Decide(exit, watch.Enforced, outOfMemory: false, process.DeniedSystemCall is not null, diskFull: false);
        if (!exit.HasRun && watch.Enforced is null)
        {
            throw new ContainerException("set up the command", null, Errno.None,
                string.Create(CultureInfo.InvariantCulture, $"Its process ended before the command ran (wait status 0x{exit.Status:x}): the container ends, or has no memory left."));
        }

        var output = streams.Output?.Output ?? CapturedOutput.Empty;
        var error = streams.Error?.Output ?? CapturedOutput.Empty;
        return new ContainerResult
        {
            Outcome = outcome,
            ExitCode = exit.ExitCode,
            Signal = (Signal?)exit.Signal,
            DeniedSystemCall = process.DeniedSystemCall,
            StandardOutput = output,
            StandardError = error,
            Usage = ResourceUsage.Of(default, watch.WallTime(exit), output.TotalBytes + error.TotalBytes).WithFallback(exit.Usage),
            StartedAt = watch.StartedAt,
            FinishedAt = finishedAt,
        };
    }

    /// <summary>The container's own spec with the command's in place of the main process's: checked by the builder as any other.</summary>
    private ContainerSpec ExecSpec(string[] command, ExecOptions options)
    {
        var builder = new ContainerBuilder(_spec with { Entrypoint = null, StandardInput = null, Timeout = null, Terminal = null, Disk = null, Init = false, Security = _spec.Security with { Init = false } })
            .WithCommand(command);
        builder = options.User is { } user ? builder.WithUser(user) : builder;
        builder = options.WorkingDirectory is { } directory ? builder.WithWorkingDirectory(directory) : builder;
        builder = options.Environment is { } variables ? builder.WithEnvironment(variables) : builder;
        builder = options.StandardInput is { } input ? builder.WithStandardInput(input) : builder;
        builder = options.Timeout is { } timeout ? builder.WithTimeout(timeout) : builder;
        builder = options.OutputLimit is { } limit ? builder.WithOutputLimit(limit, options.OutputOverflow) : builder;
        builder = options.Terminal is { } size ? builder.WithTerminal(size.Columns, size.Rows) : builder;
        return builder.Spec;
    }
}
