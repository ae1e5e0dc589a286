using System.Diagnostics;
using System.Globalization;
using Containers;
using Containers.Samples;

// A judge server in small: every program of problems/ against its inputs, many at a time, each in a sandbox with limits.
var submissions = Submission.FindAll(Path.Combine(AppContext.BaseDirectory, "problems")).ToList();
var hasLimits = await CanLimitAsync();
if (!hasLimits)
{
    // These would take the whole machine where nothing holds them.
    submissions.RemoveAll(static submission => submission.Expected is "memory-limit" || submission.Name.Contains("bomb", StringComparison.Ordinal));
}

var judge = new Judge(hasLimits);
var verdicts = new Verdict[submissions.Count];
var started = Stopwatch.GetTimestamp();
await Parallel.ForAsync(0, submissions.Count, new ParallelOptions { MaxDegreeOfParallelism = 2 * Environment.ProcessorCount },
    async (index, token) => verdicts[index] = await judge.JudgeAsync(submissions[index], token));
var elapsed = Stopwatch.GetElapsedTime(started);

Console.WriteLine("{0,-36} {1,-14} {2,12} {3,12}", "submission", "verdict", "cpu", "memory");
var unexpected = 0;
foreach (var (submission, verdict) in submissions.Zip(verdicts))
{
    var isExpected = verdict.Word == submission.Expected;
    unexpected += isExpected ? 0 : 1;
    Console.WriteLine("{0,-36} {1,-14} {2,12} {3,12}{4}", submission.Name, verdict.Word,
        string.Create(CultureInfo.InvariantCulture, $"{verdict.Cpu.TotalMilliseconds:F1} ms"), verdict.Memory, isExpected ? "" : $"   expected {submission.Expected}");
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"{submissions.Count} submissions, {judge.Runs} runs in {elapsed.TotalSeconds:F1} s: {judge.Runs / elapsed.TotalSeconds:F0} a second; {unexpected} not as expected"));
return unexpected == 0 ? 0 : 1;

// Whether this user may limit memory and processes here.
static async Task<bool> CanLimitAsync()
{
    try
    {
        await ContainerBuilder.FromHost().WithCommand("true").WithMemory(64.MB).WithMaxProcesses(32).WithCpus(1).RunAsync();
        return true;
    }
    catch (ContainerException e)
    {
        Console.WriteLine($"Without limits of memory, processes and CPU, and without the programs that need them: {e.Message}");
        Console.WriteLine();
        return false;
    }
}
