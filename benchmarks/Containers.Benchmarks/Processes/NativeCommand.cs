using System.Runtime.InteropServices;

namespace Containers.Benchmarks.Processes;

/// <summary>A command marshalled once, so that starting it costs the spawn and nothing else.</summary>
internal sealed unsafe class NativeCommand : IDisposable
{
    private const string SearchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private readonly byte* _attributes;
    private readonly byte** _arguments;
    private readonly byte** _environment;
    private readonly byte* _path;
    private readonly int _argumentCount;
    private bool _disposed;

    public NativeCommand(params ReadOnlySpan<string> arguments)
    {
        Name = arguments[0];
        _argumentCount = arguments.Length;
        _arguments = (byte**)NativeMemory.AllocZeroed((nuint)arguments.Length + 1, (nuint)sizeof(byte*));
        for (int i = 0; i < arguments.Length; i++)
        {
            _arguments[i] = (byte*)Marshal.StringToCoTaskMemUTF8(arguments[i]);
        }

        _path = (byte*)Marshal.StringToCoTaskMemUTF8(ProgramPath.Find(Name) ?? throw new BenchmarkException($"{Name}: not found in PATH"));
        _environment = (byte**)NativeMemory.AllocZeroed(2, (nuint)sizeof(byte*));
        _environment[0] = (byte*)Marshal.StringToCoTaskMemUTF8(SearchPath);

        // The runtime ignores SIGPIPE and may block signals; the peers start as from a shell.
        byte* signals = stackalloc byte[Posix.SignalSetSize];
        _attributes = (byte*)NativeMemory.AllocZeroed(Posix.AttributesSize);
        _ = Posix.AttributesInit(_attributes);
        _ = Posix.AttributesSetFlags(_attributes, Posix.SpawnSetSignalMask | Posix.SpawnSetSignalDefault);
        _ = Posix.SignalSetEmpty(signals);
        _ = Posix.AttributesSetSignalMask(_attributes, signals);
        _ = Posix.SignalSetFill(signals);
        _ = Posix.AttributesSetSignalDefault(_attributes, signals);
    }

    public string Name { get; }

    /// <summary>Starts the command with three descriptors as its standard streams and returns its process id.</summary>
    public int Start(int input, int output, int error)
    {
        byte* actions = stackalloc byte[Posix.FileActionsSize];
        _ = Posix.FileActionsInit(actions);
        _ = Posix.FileActionsAddDup2(actions, input, 0);
        _ = Posix.FileActionsAddDup2(actions, output, 1);
        _ = Posix.FileActionsAddDup2(actions, error, 2);
        int pid;
        int errno = Posix.Spawn(&pid, _path, actions, _attributes, _arguments, _environment);
        _ = Posix.FileActionsDestroy(actions);
        return errno == 0 ? pid : throw new BenchmarkException($"{Name}: cannot be started, errno {errno}");
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        for (int i = 0; i < _argumentCount; i++)
        {
            Marshal.FreeCoTaskMem((nint)_arguments[i]);
        }

        Marshal.FreeCoTaskMem((nint)_environment[0]);
        Marshal.FreeCoTaskMem((nint)_path);
        _ = Posix.AttributesDestroy(_attributes);
        NativeMemory.Free(_arguments);
        NativeMemory.Free(_environment);
        NativeMemory.Free(_attributes);
    }
}
