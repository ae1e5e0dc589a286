using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// Assembles a <see cref="SyscallProgram"/>: steps, and the data they point to. Addresses are final at once, because
/// the launcher maps every program at <see cref="LauncherFormat.ProgramBase"/>.
/// </summary>
internal sealed class ProgramBuilder
{
    private const ulong DataBase = LauncherFormat.ProgramBase + LauncherFormat.HeaderSize;

    // Rented: a container's program has some hundred steps, which every start would leave to the garbage collector.
    private byte[] _data = ArrayPool<byte>.Shared.Rent(8192);
    private int _dataLength;
    private ProgramStep[] _steps = ArrayPool<ProgramStep>.Shared.Rent(512);
    private StepNote[] _notes = ArrayPool<StepNote>.Shared.Rent(512);
    private int _stepCount;
    private int _sharedCells;
    private SetupPhase _phase;

    /// <summary>Steps from here on belong to this phase, which must not be earlier than the current one.</summary>
    public void Enter(SetupPhase phase)
    {
        if (phase < _phase)
        {
            throw new InvalidOperationException($"The program goes back from {_phase} to {phase}; the order of set-up is fixed.");
        }

        _phase = phase;
    }

    /// <summary>The child of a fork starts its own life where its parent's order may already be past.</summary>
    public void EnterBranch(SetupPhase phase) => _phase = phase;

    public Cell NewCell() => new(Reserve(8));

    /// <summary>A cell in the page shared with the host, which can read it while the program runs.</summary>
    public SharedCell NewSharedCell()
    {
        var offset = LauncherFormat.SharedCellsOffset + (8 * _sharedCells++);
        if (offset + 8 > LauncherFormat.HeaderSize)
        {
            throw new InvalidOperationException("The program has more shared cells than its header page holds.");
        }

        return new SharedCell(new Cell(LauncherFormat.ProgramBase + (ulong)offset), offset);
    }

    /// <summary>Adds NUL-terminated UTF-8 text.</summary>
    public Argument Text(string text)
    {
        var start = _dataLength;
        var span = Grow(Encoding.UTF8.GetByteCount(text) + 1);
        Encoding.UTF8.GetBytes(text, span);
        span[^1] = 0;
        return new Argument(DataBase + (ulong)start, ArgumentKind.Text);
    }

    public Argument Bytes(ReadOnlySpan<byte> bytes)
    {
        Align();
        var start = _dataLength;
        bytes.CopyTo(Grow(bytes.Length));
        return new Argument(DataBase + (ulong)start, ArgumentKind.Data);
    }

    public Argument Structure<T>(in T value)
        where T : unmanaged => Bytes(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>A NULL-terminated array of pointers to texts, as execve takes.</summary>
    public Argument TextArray(IReadOnlyList<string> texts)
    {
        Span<ulong> pointers = texts.Count < 256 ? stackalloc ulong[texts.Count + 1] : new ulong[texts.Count + 1];
        for (var i = 0; i < texts.Count; i++)
        {
            pointers[i] = Text(texts[i]).Value;
        }

        pointers[^1] = 0;
        return Bytes(MemoryMarshal.AsBytes(pointers));
    }

    /// <summary>Zeroed room for a result that is a structure.</summary>
    public ulong Reserve(int length)
    {
        Align();
        var start = _dataLength;
        Grow(length).Clear();
        return DataBase + (ulong)start;
    }

    public StepReference Call(SystemCall call, string what, string? subject, params ReadOnlySpan<Argument> arguments)
    {
        var step = Add(StepOperation.SystemCall, what, subject, arguments);
        _steps[step.Index].Number = call.Number;
        _notes[step.Index].Call = call.Name;
        return step;
    }

    public StepReference Add(StepOperation operation, string what, string? subject, params ReadOnlySpan<Argument> arguments)
    {
        if (_stepCount == Math.Min(_steps.Length, _notes.Length))
        {
            Enlarge(ref _steps, _stepCount * 2);
            Enlarge(ref _notes, _stepCount * 2);
        }

        ref var step = ref _steps[_stepCount];
        ref var note = ref _notes[_stepCount];
        step = default;
        step.Operation = operation;
        note = new StepNote { What = what, Subject = subject, Phase = _phase };
        for (var i = 0; i < arguments.Length; i++)
        {
            SetArgument(ref step, i, arguments[i].Value);
            note.Kinds[i] = arguments[i].Kind;
            if (arguments[i].Kind == ArgumentKind.Cell)
            {
                step.Indirect |= 1u << i;
            }
        }

        return new StepReference(this, _stepCount++);
    }

    /// <summary>Skips to where the jump lands when the cell holds zero: the child of a fork.</summary>
    public void JumpIfZero(Cell cell, Jump jump) => Add(StepOperation.JumpIfZero, "branch", null, cell).OrJumpTo(jump);

    public void Land(Jump jump)
    {
        foreach (var step in jump.From)
        {
            _steps[step].Target = (uint)_stepCount;
        }
    }

    /// <summary>Makes the program; the builder is used up.</summary>
    public SyscallProgram Build()
    {
        Align();
        var stepBytes = MemoryMarshal.AsBytes(_steps.AsSpan(0, _stepCount));
        var size = LauncherFormat.HeaderSize + _dataLength + stepBytes.Length;
        if (size > LauncherFormat.MaxProgram)
        {
            throw new ContainerException("compile the launch program", null, Errno.E2BIG,
                $"Arguments, environment and files take {size} bytes; {LauncherFormat.MaxProgram} are possible.");
        }

        var image = ArrayPool<byte>.Shared.Rent(size);
        var header = new ProgramHeader
        {
            Magic = LauncherFormat.Magic,
            Version = LauncherFormat.Version,
            Size = (ulong)size,
            StepsOffset = (ulong)(LauncherFormat.HeaderSize + _dataLength),
            StepCount = (uint)_stepCount,
        };
        image.AsSpan(0, LauncherFormat.HeaderSize).Clear();
        MemoryMarshal.Write(image, in header);
        _data.AsSpan(0, _dataLength).CopyTo(image.AsSpan(LauncherFormat.HeaderSize));
        stepBytes.CopyTo(image.AsSpan(LauncherFormat.HeaderSize + _dataLength));
        var program = new SyscallProgram(image, size, _stepCount, _notes.AsSpan(0, _stepCount).ToArray());
        Return(ref _data);
        Return(ref _steps);
        Return(ref _notes);
        program.Verify();
        return program;
    }

    internal void SetResult(int index, Cell cell, bool narrow)
    {
        _steps[index].Result = cell.Address;
        if (narrow)
        {
            _steps[index].Flags |= StepFlags.Result32;
        }
    }

    internal void SetFlag(int index, StepFlags flag) => _steps[index].Flags |= flag;

    internal unsafe void AddIgnored(int index, ushort errno)
    {
        fixed (ushort* ignored = _steps[index].Ignored)
        {
            for (var i = 0; i < ProgramStep.MaxIgnored; i++)
            {
                if (ignored[i] == 0)
                {
                    ignored[i] = errno;
                    return;
                }
            }
        }

        throw new InvalidOperationException("A step can ignore four errors at most.");
    }

    private static unsafe void SetArgument(ref ProgramStep step, int index, ulong value)
    {
        fixed (ulong* arguments = step.Arguments)
        {
            arguments[index] = value;
        }
    }

    private static void Enlarge<T>(ref T[] array, int length)
    {
        var larger = ArrayPool<T>.Shared.Rent(length);
        array.CopyTo(larger, 0);
        Return(ref array);
        array = larger;
    }

    /// <summary>Environment variables may be secrets, and the pool hands arrays to anyone.</summary>
    private static void Return<T>(ref T[] array)
    {
        ArrayPool<T>.Shared.Return(array, clearArray: true);
        array = [];
    }

    private void Align() => Grow((8 - (_dataLength & 7)) & 7).Clear();

    private Span<byte> Grow(int length)
    {
        var needed = checked(_dataLength + length);
        if (needed > _data.Length)
        {
            Enlarge(ref _data, Math.Max(needed, _data.Length * 2));
        }

        var span = _data.AsSpan(_dataLength, length);
        _dataLength = needed;
        return span;
    }
}

/// <summary>Where several steps jump to; forward only.</summary>
internal sealed class Jump
{
    public List<int> From { get; } = [];
}

/// <summary>A cell in the header page, and where the host finds it.</summary>
internal readonly record struct SharedCell(Cell Cell, int Offset);

/// <summary>The step just added, to say more about it.</summary>
internal readonly record struct StepReference(ProgramBuilder Program, int Index)
{
    /// <summary>Keeps the result.</summary>
    public StepReference Into(Cell cell)
    {
        Program.SetResult(Index, cell, narrow: false);
        return this;
    }

    /// <summary>Keeps the result as four bytes at this address, as descriptors stand in control messages.</summary>
    public StepReference Into32(ulong address)
    {
        Program.SetResult(Index, new Cell(address), narrow: true);
        return this;
    }

    /// <summary>These errors are no failure.</summary>
    public StepReference Ignoring(params ReadOnlySpan<Errno> errnos)
    {
        foreach (var errno in errnos)
        {
            Program.AddIgnored(Index, (ushort)errno);
        }

        return this;
    }

    /// <summary>No error is a failure: for attempts whose results the host reads.</summary>
    public StepReference IgnoringAll()
    {
        Program.AddIgnored(Index, ProgramStep.IgnoreAll);
        return this;
    }

    /// <summary>After an ignored error, or on zero: go on there.</summary>
    public StepReference OrJumpTo(Jump jump)
    {
        jump.From.Add(Index);
        return this;
    }

    /// <summary>Tries again, a bounded number of times, when openat2 lost a race with a rename (EAGAIN).</summary>
    public StepReference Retrying()
    {
        Program.SetFlag(Index, StepFlags.RetryAgain);
        return this;
    }
}

/// <summary>What a step means to a person; the launcher never sees it.</summary>
internal struct StepNote
{
    public string What;
    public string? Subject;
    public string? Call;
    public SetupPhase Phase;
    public ArgumentKinds Kinds;

    [InlineArray(6)]
    internal struct ArgumentKinds
    {
        private ArgumentKind _first;
    }
}
