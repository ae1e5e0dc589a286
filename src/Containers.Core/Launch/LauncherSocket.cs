using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The host's end of the socket to a guardian: whole messages, with descriptors riding along.</summary>
internal sealed unsafe class LauncherSocket(FileDescriptor socket) : IDisposable
{
    private const int ControlHeaderSize = 16;

    public FileDescriptor Descriptor => socket;

    /// <summary>Creates a connected pair; the second end is for the launcher.</summary>
    public static LauncherSocket CreatePair(out FileDescriptor launcherEnd)
    {
        var fds = stackalloc int[2];
        if (Libc.SocketPair(Libc.AddressFamilyUnix, Libc.SocketSequencedPacket | Libc.SocketCloseOnExec, 0, fds) != 0)
        {
            throw new ContainerException("socketpair", null, ErrnoNames.Last);
        }

        launcherEnd = new FileDescriptor(fds[1]);
        return new LauncherSocket(new FileDescriptor(fds[0]));
    }

    public void Send(in LaunchRequestMessage request, ReadOnlySpan<FileDescriptor> descriptors)
    {
        var control = stackalloc byte[ControlHeaderSize + (LauncherFormat.MaxPassedDescriptors * sizeof(int))];
        var header = (Libc.ControlHeader*)control;
        header->Length = (ulong)(ControlHeaderSize + (descriptors.Length * sizeof(int)));
        header->Level = Libc.SocketLevel;
        header->Type = Libc.ScmRights;
        var numbers = (int*)(control + ControlHeaderSize);
        for (var i = 0; i < descriptors.Length; i++)
        {
            numbers[i] = descriptors[i].Number;
        }

        fixed (LaunchRequestMessage* start = &request)
        {
            var part = new Libc.IoVector { Base = start, Length = (nuint)sizeof(LaunchRequestMessage) };
            var message = new Libc.MessageHeader
            {
                Parts = &part,
                PartCount = 1,
                Control = control,
                ControlLength = (header->Length + 7) & ~7UL,
            };
            while (Libc.SendMessage(socket, &message, Libc.MessageNoSignal) < 0)
            {
                if (ErrnoNames.Last != Errno.EINTR)
                {
                    throw new ContainerException("ask the guardian to start a process", null, ErrnoNames.Last,
                        "The engine's guardian process has ended; dispose the engine and create another.");
                }
            }
        }

        GC.KeepAlive(descriptors.Length);
    }

    /// <summary>Receives one message. False: nothing is there (only with <paramref name="wait"/> false) or the other end is gone.</summary>
    public bool TryReceive(bool wait, out LauncherMessage message, List<FileDescriptor> descriptors, out bool ended)
    {
        var control = stackalloc byte[ControlHeaderSize + (LauncherFormat.MaxPassedDescriptors * sizeof(int))];
        nint received;
        Libc.MessageHeader header;
        fixed (LauncherMessage* start = &message)
        {
            *start = default;
            var part = new Libc.IoVector { Base = start, Length = (nuint)sizeof(LauncherMessage) };
            header = new Libc.MessageHeader
            {
                Parts = &part,
                PartCount = 1,
                Control = control,
                ControlLength = ControlHeaderSize + (LauncherFormat.MaxPassedDescriptors * sizeof(int)),
            };
            do
            {
                received = Libc.ReceiveMessage(socket, &header, Libc.MessageCloseOnExec | (wait ? 0 : Libc.MessageDontWait));
            }
            while (received < 0 && ErrnoNames.Last == Errno.EINTR);
        }

        if (received > 0)
        {
            Collect(control, header.ControlLength, descriptors);
        }

        ended = received == 0 || (received < 0 && ErrnoNames.Last != Errno.EAGAIN);
        return received == sizeof(LauncherMessage);
    }

    public void Dispose() => socket.Dispose();

    private static void Collect(byte* control, ulong length, List<FileDescriptor> descriptors)
    {
        var header = (Libc.ControlHeader*)control;
        if (length < ControlHeaderSize || header->Level != Libc.SocketLevel || header->Type != Libc.ScmRights ||
            header->Length < ControlHeaderSize || header->Length > length)
        {
            return;
        }

        var count = (int)((header->Length - ControlHeaderSize) / sizeof(int));
        var numbers = (int*)(control + ControlHeaderSize);
        for (var i = 0; i < count; i++)
        {
            descriptors.Add(new FileDescriptor(numbers[i]));
        }
    }
}
