using Containers.Interop;

namespace Containers.Launch;

/// <summary>The guardians of an engine, at most one of each kind, and what they keep open for it.</summary>
internal sealed class Guardians : IDisposable
{
    /// <summary>One that comes gets what is held, and one that is disposed is none of them any more.</summary>
    private readonly Lock _gate = new();
    private readonly Guardian?[] _all = new Guardian?[Enum.GetValues<GuardianKind>().Length];
    private FileDescriptor? _held;

    /// <summary>The one of this kind; null: there is none, or it has died.</summary>
    public Guardian? Running(GuardianKind kind) => _all[(int)kind] is { HasEnded: false } running ? running : null;

    /// <summary>A new one, in place of one of its kind that has died.</summary>
    public void Add(GuardianKind kind, Guardian guardian)
    {
        lock (_gate)
        {
            _all[(int)kind]?.Dispose();
            _all[(int)kind] = guardian;
            if (_held is not null)
            {
                guardian.Hold(_held);
            }
        }
    }

    /// <summary>
    /// What must stay open until every process of the engine's containers has ended, however this process ends. Null, before it is closed:
    /// nothing any more.
    /// </summary>
    public void Hold(FileDescriptor? descriptor)
    {
        lock (_gate)
        {
            _held = descriptor;
            foreach (var guardian in _all)
            {
                guardian?.Hold(descriptor);
            }
        }
    }

    /// <summary>Ends them all, and with them every process below.</summary>
    public void Dispose()
    {
        Guardian?[] all;
        lock (_gate)
        {
            all = [.. _all];
            Array.Clear(_all);
        }

        foreach (var guardian in all)
        {
            guardian?.Dispose();
        }
    }
}
