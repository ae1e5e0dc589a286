namespace Containers.Samples;

/// <summary>Runs a submission against the tests of its problem, each in a sandbox of its own.</summary>
internal sealed class Judge(bool hasLimits)
{
    private int _runs;

    public int Runs => _runs;

    public async Task<Verdict> JudgeAsync(Submission submission, CancellationToken cancellationToken)
    {
        var sandbox = Sandbox(submission);
        var (cpu, memory) = (TimeSpan.Zero, default(ByteSize));
        foreach (var (input, answer) in submission.Tests())
        {
            Interlocked.Increment(ref _runs);
            var result = await sandbox.WithStandardInput(input).RunAsync(cancellationToken);
            cpu = Max(cpu, result.Usage.TotalCpu ?? TimeSpan.Zero);
            memory = Max(memory, result.Usage.PeakMemory ?? default);
            var word = result switch
            {
                { Outcome: Outcome.TimedOut or Outcome.CpuTimeExceeded } => "time-limit",
                { Outcome: Outcome.OutOfMemory } => "memory-limit",
                { Outcome: Outcome.OutputLimitExceeded } => "output-limit",
                { IsSuccess: false } => "runtime-error",
                _ when result.StandardOutput.Text.TrimEnd() == answer.TrimEnd() => "accepted",
                _ => "wrong-answer",
            };
            if (word != "accepted")
            {
                return new Verdict(word, cpu, memory);
            }
        }

        return new Verdict("accepted", cpu, memory);
    }

    /// <summary>
    /// For what strangers wrote: ids that nobody else has, no capability, a strict filter of system calls, a read-only root. No network,
    /// nothing of the host but its programs, and the submission alone beside them.
    /// </summary>
    private ContainerBuilder Sandbox(Submission submission)
    {
        var sandbox = ContainerBuilder.FromHost()
            .WithCommand(submission.Interpreter, "/submission/program")
            .WithMount(Mount.Bind(submission.Path, "/submission/program"))
            .WithSecurity(SecurityProfile.Untrusted)
            .WithTimeout(TimeSpan.FromSeconds(2))
            .WithOutputLimit(64.KB, OutputOverflow.Kill);

        return hasLimits ? sandbox.WithMemory(64.MB).WithCpuTimeLimit(TimeSpan.FromSeconds(1)).WithCpus(1).WithMaxProcesses(32) : sandbox;
    }

    private static T Max<T>(T a, T b)
        where T : IComparable<T> => a.CompareTo(b) >= 0 ? a : b;
}

/// <summary>What a submission gets, and the most it used in any test.</summary>
internal sealed record Verdict(string Word, TimeSpan Cpu, ByteSize Memory);
