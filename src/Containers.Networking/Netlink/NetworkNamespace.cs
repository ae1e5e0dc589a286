using System.Globalization;
using System.Runtime.ExceptionServices;
using Containers.Interop;

namespace Containers.Netlink;

/// <summary>
/// A network namespace, by a descriptor that keeps it alive. What has to happen inside runs on a thread made for it, which enters the
/// namespace and ends there: a thread of the pool would take the next piece of work to the wrong network.
/// </summary>
internal sealed class NetworkNamespace(FileDescriptor descriptor) : IDisposable
{
    private const int StackSize = 128 * 1024;

    public FileDescriptor Descriptor => descriptor;

    /// <summary>The one that a process is in now.</summary>
    /// <exception cref="NetworkException">The process has ended, or is somebody else's.</exception>
    public static NetworkNamespace Of(int processId) => OpenPath(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/ns/net"));

    /// <summary>The one that the calling thread is in: the host's own, as this library sees it.</summary>
    public static NetworkNamespace Current() => OpenPath("/proc/thread-self/ns/net");

    /// <summary>A netlink socket in the namespace, for use from any thread.</summary>
    public NetlinkSocket Open(NetlinkFamily family) => Run(() => NetlinkSocket.Open(family));

    /// <summary>Runs something short inside, and returns what it returns.</summary>
    /// <exception cref="NetworkException">The namespace cannot be entered.</exception>
    public T Run<T>(Func<T> inside)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    if (Libc.SetNamespace(descriptor, Libc.CloneNewNetwork) != 0)
                    {
                        throw new NetworkException("enter the network namespace", null, ErrnoNames.Last,
                            "CAP_SYS_ADMIN is needed, here and in the user namespace it belongs to; otherwise a process inside has to open the socket and pass it.");
                    }

                    result = inside();
                }
#pragma warning disable CA1031 // Thrown again by the caller's thread.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    failure = ExceptionDispatchInfo.Capture(exception);
                }
            },
            StackSize)
        {
            IsBackground = true,
            Name = "containers network namespace",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    public void Dispose() => descriptor.Dispose();

    private static NetworkNamespace OpenPath(string path)
    {
        var opened = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        return opened.IsInvalid ? throw new NetworkException("open the network namespace", path, ErrnoNames.Last) : new NetworkNamespace(opened);
    }
}
