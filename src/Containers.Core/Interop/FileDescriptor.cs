using System.Runtime.InteropServices;

namespace Containers.Interop;

/// <summary>An owned, close-on-exec file descriptor.</summary>
internal sealed class FileDescriptor : SafeHandle
{
    /// <summary>For the marshaller, which fills in the number.</summary>
    public FileDescriptor()
        : base(-1, ownsHandle: true)
    {
    }

    public FileDescriptor(int fd)
        : this() => SetHandle(fd);

    public override bool IsInvalid => (int)handle < 0;

    /// <summary>The number, for a call that does not outlive this object.</summary>
    public int Number => (int)handle;

    protected override bool ReleaseHandle() => Libc.Close((int)handle) == 0;
}
