using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>A compiled program: the bytes the launcher maps, and what each step means.</summary>
internal sealed class SyscallProgram(byte[] image, int size, int stepCount, StepNote[] notes) : IDisposable
{
    private byte[]? _image = image;

    public int StepCount => stepCount;

    public StepNote Note(int step) => notes[step];

    /// <summary>Puts the program into a new memfd.</summary>
    /// <exception cref="ContainerException">The kernel has no memory or descriptor left for it.</exception>
    public unsafe FileDescriptor ToMemfd()
    {
        var memfd = Libc.MemfdCreate("program", Libc.MemfdCloseOnExec | Libc.MemfdNoExecSeal);
        if (memfd.IsInvalid && ErrnoNames.Last == Errno.EINVAL)
        {
            // Before Linux 6.3.
            memfd = Libc.MemfdCreate("program", Libc.MemfdCloseOnExec);
        }

        if (memfd.IsInvalid)
        {
            throw new ContainerException("memfd_create", null, ErrnoNames.Last);
        }

        fixed (byte* bytes = Image)
        {
            var written = Libc.Write(memfd, bytes, (nuint)size);
            if (written != size)
            {
                var errno = written < 0 ? ErrnoNames.Last : Errno.ENOSPC;
                memfd.Dispose();
                throw new ContainerException("write the launch program", null, errno);
            }
        }

        return memfd;
    }

    /// <summary>
    /// Checks what the launcher relies on, before any of it runs: jumps go forward and stay inside, every address is inside
    /// the program, no set-up step follows execve.
    /// </summary>
    /// <exception cref="InvalidOperationException">The program is malformed: a defect of this library.</exception>
    public unsafe void Verify()
    {
        var header = MemoryMarshal.Read<ProgramHeader>(Image);
        var steps = MemoryMarshal.Cast<byte, ProgramStep>(Image.AsSpan((int)header.StepsOffset, stepCount * sizeof(ProgramStep)));
        for (var i = 0; i < steps.Length; i++)
        {
            ref readonly var step = ref steps[i];
            if (step.Target != 0 && (step.Target <= i || step.Target > stepCount))
            {
                throw Malformed(i, "jumps backwards or outside");
            }

            if (step.Result != 0 && !IsInside(step.Result))
            {
                throw Malformed(i, "stores outside the program");
            }

            for (var a = 0; a < 6; a++)
            {
                if (notes[i].Kinds[a] > ArgumentKind.Number && !IsInside(step.Arguments[a]))
                {
                    throw Malformed(i, "points outside the program");
                }
            }
        }
    }

    /// <summary>Makes a step fail with this error, or end the process there: what tests do to every step in turn.</summary>
    /// <param name="step">Index of the step.</param>
    /// <param name="errno">The error; null ends the process without one.</param>
    public unsafe void Sabotage(int step, Errno? errno)
    {
        ref var sabotaged = ref Step(step);
        sabotaged = errno is null
            ? new ProgramStep { Operation = StepOperation.SystemCall, Number = SystemCall.ExitGroup.Number }
            : new ProgramStep { Operation = StepOperation.Fail };
        sabotaged.Arguments[0] = (ulong)errno.GetValueOrDefault();
    }

    /// <summary>Makes the process wait for ever at a step: there tests kill the host.</summary>
    public void Stall(int step) => Step(step) = new ProgramStep { Operation = StepOperation.SystemCall, Number = SystemCall.Poll.Number };

    private unsafe ref ProgramStep Step(int index)
    {
        var header = MemoryMarshal.Read<ProgramHeader>(Image);
        return ref MemoryMarshal.Cast<byte, ProgramStep>(Image.AsSpan((int)header.StepsOffset, stepCount * sizeof(ProgramStep)))[index];
    }

    /// <summary>The steps as text, one a line: <c>move_mount(…) attach proc /proc</c>.</summary>
    public unsafe string Describe()
    {
        var header = MemoryMarshal.Read<ProgramHeader>(Image);
        var steps = MemoryMarshal.Cast<byte, ProgramStep>(Image.AsSpan((int)header.StepsOffset, stepCount * sizeof(ProgramStep)));
        var text = new StringBuilder();
        var phase = (SetupPhase)(-1);
        for (var i = 0; i < steps.Length; i++)
        {
            ref readonly var note = ref notes[i];
            if (note.Phase != phase)
            {
                phase = note.Phase;
                text.Append(CultureInfo.InvariantCulture, $"# {phase}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"{i,4}  {note.Call ?? steps[i].Operation.ToString()}(");
            var last = 5;
            while (last >= 0 && note.Kinds[last] == ArgumentKind.None)
            {
                last--;
            }

            for (var a = 0; a <= last; a++)
            {
                text.Append(a == 0 ? string.Empty : ", ");
                AppendArgument(text, note.Kinds[a], steps[i].Arguments[a]);
            }

            text.Append(")  ").Append(note.What);
            if (note.Subject is not null)
            {
                text.Append(' ').Append(note.Subject);
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    public void Dispose()
    {
        if (_image is { } image)
        {
            _image = null;
            // Environment variables may be secrets; the pool hands the array to anyone.
            image.AsSpan(0, size).Clear();
            ArrayPool<byte>.Shared.Return(image);
        }
    }

    private byte[] Image => _image ?? throw new ObjectDisposedException(nameof(SyscallProgram));

    private static InvalidOperationException Malformed(int step, string why) => new($"Step {step} of the launch program {why}.");

    private bool IsInside(ulong address) =>
        address >= LauncherFormat.ProgramBase && address <= LauncherFormat.ProgramBase + (ulong)size - 4;

    private void AppendArgument(StringBuilder text, ArgumentKind kind, ulong value)
    {
        switch (kind)
        {
            case ArgumentKind.Text:
                var start = Image.AsSpan((int)(value - LauncherFormat.ProgramBase), size - (int)(value - LauncherFormat.ProgramBase));
                text.Append('"').Append(Encoding.UTF8.GetString(start[..start.IndexOf((byte)0)])).Append('"');
                break;
            case ArgumentKind.Cell:
                text.Append(CultureInfo.InvariantCulture, $"[{value - LauncherFormat.ProgramBase:x}]");
                break;
            case ArgumentKind.Data:
                text.Append(CultureInfo.InvariantCulture, $"&{value - LauncherFormat.ProgramBase:x}");
                break;
            default:
                text.Append(value <= 1024 || (long)value < 0 ? ((long)value).ToString(CultureInfo.InvariantCulture) : $"0x{value:x}");
                break;
        }
    }
}
