using Containers.Interop;
using Containers.Launch;
using Containers.Specification;

namespace Containers.Processes;

/// <summary>The host's side of a job's standard streams: pipes, or a terminal whose master arrives once it exists.</summary>
internal sealed class StandardStreams : IDisposable
{
    private readonly Reactor _reactor;
    private readonly ContainerSpec _spec;
    private readonly bool _isLive;
    private readonly Action _onOverflow;

    private StandardStreams(Reactor reactor, ContainerSpec spec, bool isLive, Action onOverflow)
    {
        _reactor = reactor;
        _spec = spec;
        _isLive = isLive;
        _onOverflow = onOverflow;
    }

    /// <summary>The ends that the job gets; closed here by <see cref="ReleaseJobEnds"/> once they are on their way.</summary>
    public JobStreams JobEnds { get; private set; } = new(null, null, null, null);

    /// <summary>Standard output; with a terminal, everything.</summary>
    public OutputCapture? Output { get; private set; }

    /// <summary>Standard error; null with a terminal.</summary>
    public OutputCapture? Error { get; private set; }

    /// <summary>Standard input; null where the job has none.</summary>
    public InputPump? Input { get; private set; }

    /// <summary>The end of this pipe tells that execve has happened; null where nobody waits for it.</summary>
    public FileDescriptor? Started { get; private set; }

    /// <summary>The terminal's master, for its size.</summary>
    public FileDescriptor? Terminal { get; private set; }

    /// <summary>Makes the pipes.</summary>
    /// <param name="reactor">The thread that reads and writes.</param>
    /// <param name="spec">Whether there is input or a terminal, and how much output is kept.</param>
    /// <param name="isLive">The caller may write input as it goes, and waits for the execve.</param>
    /// <param name="onOverflow">Called on the reactor thread when the job wrote more than it may.</param>
    public static StandardStreams Create(Reactor reactor, ContainerSpec spec, bool isLive, Action onOverflow)
    {
        var streams = new StandardStreams(reactor, spec, isLive, onOverflow);
        try
        {
            streams.MakePipes();
            return streams;
        }
        catch
        {
            streams.ReleaseJobEnds();
            streams.Dispose();
            throw;
        }
    }

    public void ReleaseJobEnds()
    {
        JobEnds.Input?.Dispose();
        JobEnds.Output?.Dispose();
        JobEnds.Error?.Dispose();
        JobEnds.Started?.Dispose();
    }

    /// <summary>Begins to read and write the terminal. On the reactor thread.</summary>
    public void AttachTerminal(FileDescriptor master)
    {
        // A file of its own for each of the two that wait for it: one is closed at the end of the input, one at that of the output.
        if (Libc.Fcntl(master, Libc.FcntlSetFlags, Libc.OpenReadWrite | Libc.OpenNonBlocking) != 0)
        {
            throw new ContainerException("fcntl F_SETFL", "the terminal", ErrnoNames.Last);
        }

        Terminal = master;
        Output = new OutputCapture(_reactor, Duplicate(master), _spec.OutputLimit, _onOverflow);
        BeginInput(() => new InputPump(_reactor, Duplicate(master), isTerminal: true));
    }

    /// <summary>What is left in the pipes is taken; what still holds them open is not waited for.</summary>
    public async Task CompleteAfterExitAsync()
    {
        Input?.Dispose();
        foreach (var capture in (ReadOnlySpan<OutputCapture?>)[Output, Error])
        {
            capture?.CompleteAfterExit();
        }

        if (Output is not null)
        {
            await Output.Completion.ConfigureAwait(false);
        }

        if (Error is not null)
        {
            await Error.Completion.ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        Input?.Dispose();
        Output?.Dispose();
        Error?.Dispose();
        Started?.Dispose();
        Terminal?.Dispose();
    }

    private void MakePipes()
    {
        if (_isLive)
        {
            var started = JobPipe.ForOutput();
            Started = started.HostEnd;
            JobEnds = JobEnds with { Started = started.JobEnd };
        }

        if (_spec.Terminal is not null)
        {
            return;
        }

        var output = JobPipe.ForOutput();
        JobEnds = JobEnds with { Output = output.JobEnd };
        Output = new OutputCapture(_reactor, output.HostEnd, _spec.OutputLimit, _onOverflow);
        var error = JobPipe.ForOutput();
        JobEnds = JobEnds with { Error = error.JobEnd };
        Error = new OutputCapture(_reactor, error.HostEnd, _spec.OutputLimit, _onOverflow);
        BeginInput(() =>
        {
            var input = JobPipe.ForInput();
            JobEnds = JobEnds with { Input = input.JobEnd };
            return new InputPump(_reactor, input.HostEnd, isTerminal: false);
        });
    }

    private void BeginInput(Func<InputPump> create)
    {
        switch (_spec.StandardInput)
        {
            case { Stream: { } stream }:
                Input = create();
                Input.Send(stream);
                break;
            case { } bytes:
                Input = create();
                Input.Send(bytes.Bytes);
                break;
            case null when _isLive:
                Input = create();
                break;
        }
    }

    private static FileDescriptor Duplicate(FileDescriptor descriptor)
    {
        var copy = Libc.Duplicate(descriptor, Libc.FcntlDuplicateCloseOnExec, 0);
        return copy.IsInvalid ? throw new ContainerException("duplicate the terminal", null, ErrnoNames.Last) : copy;
    }
}
