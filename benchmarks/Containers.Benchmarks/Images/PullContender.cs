using System.Globalization;
using Containers.Benchmarks.Contenders;
using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Images;

/// <summary>
/// A program that pulls and unpacks one image into a directory that is new for each run and taken away after it, outside the time.
/// It is started by time(1), which says what it used: what is spawned from here itself would count this process's memory as its own.
/// </summary>
internal sealed class PullContender : IContender
{
    private readonly PeerThread _peers;
    private readonly string _directory;
    private readonly string _usage;
    private readonly string? _mount;
    private readonly NativeCommand _command;
    private readonly List<double> _megabytes = [];
    private readonly List<double> _seconds = [];

    /// <param name="name">For the report.</param>
    /// <param name="peers">What starts it.</param>
    /// <param name="directory">Everything that it writes.</param>
    /// <param name="script">What sh(1) runs, with the directory as its working directory.</param>
    /// <param name="mount">What it leaves mounted below the directory.</param>
    public PullContender(string name, PeerThread peers, string directory, string script, string? mount = null)
    {
        (Name, _peers, _directory, _usage, _mount) = (name, peers, directory, directory + ".usage", mount);
        _command = new NativeCommand(
            "time", "-o", _usage, "-f", "%M %U %S", "sh", "-c", $"cd {directory} && export HOME={directory} TMPDIR={directory} && {script}");
    }

    public string Name { get; }

    /// <summary>The most that one process of a run had, in MB; the median of the runs.</summary>
    public double PeakMegabytes => Median(_megabytes);

    /// <summary>Processor time of all its processes; the median of the runs.</summary>
    public double ProcessorSeconds => Median(_seconds);

    public ValueTask<double> RunAsync()
    {
        Directory.CreateDirectory(_directory);
        try
        {
            double time = _peers.Time(_command);
            double[] used = [.. File.ReadAllText(_usage).Split(' ').Select(static word => double.Parse(word, CultureInfo.InvariantCulture))];
            _megabytes.Add(used[0] * 1024 / 1e6);
            _seconds.Add(used[1] + used[2]);
            return new ValueTask<double>(time);
        }
        finally
        {
            if (_mount is not null)
            {
                _ = _peers.Capture("umount", Path.Combine(_directory, _mount));
            }

            Directory.Delete(_directory, recursive: true);
        }
    }

    public void Dispose()
    {
        _command.Dispose();
        File.Delete(_usage);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
