using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Contenders;

/// <summary>crun or runc: what it is asked to run, and one container of it that stays up to be entered.</summary>
internal sealed class OciRuntime : IDisposable
{
    private const string RunningId = "benchmark-running";
    private readonly PeerThread _peers;
    private readonly BusyboxRoot _root;
    private readonly string _stateDirectory;
    private bool _running;

    public OciRuntime(string program, PeerThread peers, BusyboxRoot root)
    {
        (Program, _peers, _root) = (program, peers, root);
        _stateDirectory = root.SubDirectory($"{program}-state");
        Version = peers.Require(program, "--version").Split('\n')[0];

        // Old releases do not know the time namespace; they are measured without it.
        string bundle = OciBundle.Write(root, $"{program}-bundle", timeNamespace: true, "/bin/true");
        (int status, _) = peers.Capture(RunCommand(bundle));
        HasTimeNamespace = status == 0;
        if (!HasTimeNamespace)
        {
            bundle = OciBundle.Write(root, $"{program}-bundle", timeNamespace: false, "/bin/true");
            _ = peers.Capture(program, "--root", _stateDirectory, "delete", "--force", "benchmark");
            peers.Require(RunCommand(bundle));
        }

        Bundle = bundle;
    }

    public string Program { get; }

    public string Version { get; }

    public bool HasTimeNamespace { get; }

    private string Bundle { get; }

    public CommandContender Run() => new($"{Program} run", _peers, RunCommand(Bundle));

    public CommandContender Exec()
    {
        string bundle = OciBundle.Write(_root, $"{Program}-running", HasTimeNamespace, "/bin/sleep", "1000000");
        _peers.Require(Program, "--root", _stateDirectory, "run", "--detach", "--bundle", bundle, RunningId);
        _running = true;
        return new CommandContender($"{Program} exec", _peers, Program, "--root", _stateDirectory, "exec", RunningId, "/bin/true");
    }

    public void Dispose()
    {
        if (_running)
        {
            _peers.Require(Program, "--root", _stateDirectory, "delete", "--force", RunningId);
        }
    }

    private string[] RunCommand(string bundle) => [Program, "--root", _stateDirectory, "run", "--bundle", bundle, "benchmark"];
}
