using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks.Contenders;

/// <summary>A program that is started for each run.</summary>
internal sealed class CommandContender(string name, PeerThread peers, params string[] arguments) : IContender
{
    private readonly NativeCommand _command = new(arguments);

    public string Name => name;

    public string[] Arguments => arguments;

    public ValueTask<double> RunAsync() => new(peers.Time(_command));

    public void Dispose() => _command.Dispose();
}
