using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Ports;

/// <summary>
/// One direction of a connection that is passed on. A side that does not read stops the other's writing: no more than a buffer or a pipe
/// is held, and nothing while nothing comes. Once it has become much, the bytes go by a pipe from socket to socket and are never copied
/// to this process (splice(2)).
/// </summary>
/// <param name="from">Is read.</param>
/// <param name="to">Is written.</param>
/// <param name="count">Is told how much; null: nobody wants to know.</param>
internal sealed class TcpStreamCopy(Socket from, Socket to, Action<long>? count) : IDisposable
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Below this a pipe is not worth its two descriptors.</summary>
    private const long Much = 512 * 1024;

    /// <summary>/proc/sys/fs/pipe-max-size, as the kernel has it by itself.</summary>
    private const int PipeSize = 1024 * 1024;

    /// <summary>What is written from memory where the pipe does not empty, as its being written is how it is known that there is room.</summary>
    private const int ProbeSize = 4 * 1024;

    private FileDescriptor? _reading;
    private FileDescriptor? _writing;
    private long _copied;

    /// <summary>Copies until the end of the stream.</summary>
    /// <exception cref="SocketException">A side has failed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Completes when there is something to read; a connection that says nothing has no buffer.
            await from.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            if (_copied > Much && _reading is null && !TryMakePipe())
            {
                _copied = 0;
            }

            var isEnd = _reading is not null
                ? await SpliceAsync(cancellationToken).ConfigureAwait(false)
                : await CopyAsync(cancellationToken).ConfigureAwait(false);
            if (isEnd)
            {
                return;
            }
        }
    }

    public void Dispose()
    {
        _reading?.Dispose();
        _writing?.Dispose();
    }

    /// <summary>Until nothing is there to read. True: and nothing will be.</summary>
    private async ValueTask<bool> CopyAsync(CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (_copied <= Much)
            {
                var received = from.Receive(buffer, SocketFlags.None, out var error);
                if (error is not SocketError.Success)
                {
                    return error == SocketError.WouldBlock ? false : throw new SocketException((int)error);
                }

                if (received == 0)
                {
                    return true;
                }

                _copied += received;
                count?.Invoke(received);
                await SendAsync(buffer.AsMemory(0, received), cancellationToken).ConfigureAwait(false);
            }

            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<bool> SpliceAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var inPipe = Move(from.SafeHandle, _writing!, PipeSize);
            if (inPipe <= 0)
            {
                return inPipe == 0;
            }

            count?.Invoke(inPipe);
            while (inPipe > 0)
            {
                var moved = Move(_reading!, to.SafeHandle, inPipe);
                inPipe -= moved > 0 ? moved : await PushAsync((int)Math.Min(inPipe, ProbeSize), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Writes a little, and waits until it is written: the framework tells of a socket that can be read, but of none that can be written.</summary>
    private async ValueTask<long> PushAsync(int count, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(count);
        try
        {
            var read = ReadPipe(buffer.AsSpan(0, count));
            await SendAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            return read;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        while (!data.IsEmpty)
        {
            data = data[await to.SendAsync(data, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
        }
    }

    private unsafe int ReadPipe(Span<byte> target)
    {
        fixed (byte* start = target)
        {
            var read = (int)Libc.Read(_reading!, start, (nuint)target.Length);
            return read > 0 ? read : throw new SocketException((int)ErrnoNames.Last);
        }
    }

    /// <summary>How much was moved; 0 at the end of the stream, -1 where nothing can be now.</summary>
    private static unsafe long Move(SafeHandle source, SafeHandle target, long count)
    {
        while (true)
        {
            var moved = Libc.Splice(source, null, target, null, (nuint)count, Libc.SpliceMove | Libc.SpliceNonBlocking);
            if (moved >= 0)
            {
                return moved;
            }

            switch (ErrnoNames.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return -1;
                default:
                    throw new SocketException((int)ErrnoNames.Last);
            }
        }
    }

    /// <summary>False: no descriptors are left, so it goes on as before.</summary>
    private unsafe bool TryMakePipe()
    {
        const int SetPipeSize = 1031; // F_SETPIPE_SZ
        var ends = stackalloc int[2];
        if (Libc.Pipe2(ends, Libc.OpenCloseOnExec) != 0)
        {
            return false;
        }

        (_reading, _writing) = (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));

        // More than an ordinary user's share of pipe memory may be refused; the usual 64 KiB do, too.
        _ = Libc.Fcntl(_writing, SetPipeSize, PipeSize);
        return true;
    }
}
