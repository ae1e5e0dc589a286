using System.Diagnostics;
using System.Globalization;

namespace Containers.Security.Tests;

/// <summary>The hostile program, compiled once, and containers that run it.</summary>
internal static class Attack
{
    private static readonly Lazy<string> Compiled = new(Compile);

    /// <summary>Its path on the host.</summary>
    public static string Program => Compiled.Value;

    /// <summary>How often what depends on chance is tried: a few times for every change, often at night.</summary>
    public static int Rounds(int usual, int nightly) => Environment.GetEnvironmentVariable("CONTAINERS_NIGHTLY") == "1" ? nightly : usual;

    /// <summary>The profiles that a stranger's job is run with.</summary>
    public static IEnumerable<string> Profiles => ["default", "untrusted"];

    public static ContainerBuilder With(string profile, params string[] arguments)
    {
        var job = ContainerBuilder.FromDirectory(Job.BusyboxDirectory).WithMount(Mount.Bind(Program, "/attack")).WithCommand(["/attack", .. arguments])
            .WithTimeout(TimeSpan.FromSeconds(20));
        job = profile == "default" ? job : job.WithSecurity(SecurityProfile.Untrusted);
        return Environment.IsPrivilegedProcess ? job.WithMemory(64.MB) : job;
    }

    /// <summary>Runs it outside, to prepare what must not be found; returns its exit code.</summary>
    public static async Task<int> RunOnHostAsync(params string[] arguments)
    {
        using var process = Process.Start(Program, arguments);
        await process.WaitForExitAsync(Job.Token);
        return process.ExitCode;
    }

    /// <summary>Runs it where limits are the point: an ordinary user may have none.</summary>
    public static async Task<string> LinesOf(ContainerBuilder job)
    {
        var result = await job.RunAsync(Job.Token);
        Assert.True(result.IsSuccess, $"{result}: {result.StandardOutput.Text} {result.StandardError.Text}");
        return result.StandardOutput.Text;
    }

    /// <summary>Every "name: result" of the output whose result is "ok".</summary>
    public static IEnumerable<string> Succeeded(string output) => output.Split('\n').Where(static line => line.EndsWith(": ok", StringComparison.Ordinal)).Select(static line => line[..^4]);

    private static string Compile()
    {
        // eng/test.sh compiles it for the runs that have no compiler.
        var prepared = Path.Combine(AppContext.BaseDirectory, "Attacks/attack");
        if (File.Exists(prepared))
        {
            return prepared;
        }

        const string Compiler = "/usr/bin/gcc";
        Assert.SkipUnless(File.Exists(Compiler), "there is no C compiler");
        var directory = Directory.CreateTempSubdirectory("containers-attack-").FullName;
        File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
        var program = Path.Combine(directory, "attack");
        using var compiler = Process.Start(Compiler, ["-O1", "-static", "-Wall", "-Werror", "-o", program, Path.Combine(AppContext.BaseDirectory, "Attacks/attack.c")]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        return program;
    }

    /// <summary>A file of the host that must stay as it is.</summary>
    internal sealed class Canary : IDisposable
    {
        private readonly string _content = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);

        public Canary()
        {
            Directory = System.IO.Directory.CreateTempSubdirectory("containers-canary-").FullName;
            File.WriteAllText(Path.Combine(Directory, "canary"), _content);
        }

        public string Directory { get; }

        public void Dispose()
        {
            Assert.Equal(_content, File.ReadAllText(Path.Combine(Directory, "canary")));
            Assert.Equal(["canary"], System.IO.Directory.GetFileSystemEntries(Directory).Select(Path.GetFileName));
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
