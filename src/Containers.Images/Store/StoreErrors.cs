using Containers.Interop;

namespace Containers.Store;

/// <summary>What refuses to store something, as one exception that says what to do about it.</summary>
internal static class StoreErrors
{
    public const string Full = "The file system of the store is full: prune unused images, free space on it, or use a store elsewhere.";

    public static ImageException From(string step, string path, Errno errno) => new(step, path, errno, Remedy(errno));

    /// <summary>The runtime's exceptions of files carry the errno as their HResult where they have no meaning of their own for it.</summary>
    public static ImageException From(string step, string path, Exception exception)
    {
        var errno = exception switch
        {
            FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT,
            UnauthorizedAccessException => Errno.EACCES,
            IOException when exception.HResult is > 0 and < 4096 => (Errno)exception.HResult,
            _ => Errno.None,
        };
        return errno == Errno.None ? new ImageException(step, path, exception.Message, exception) : From(step, path, errno);
    }

    public static bool IsOfFiles(Exception exception) => exception is IOException or UnauthorizedAccessException;

    private static string? Remedy(Errno errno) => errno switch
    {
        Errno.ENOSPC or Errno.EDQUOT => Full,
        Errno.EROFS => "The file system of the store is read-only: use a store elsewhere.",
        Errno.EIO => "The disk reports an error: see the kernel's log.",
        Errno.EMFILE or Errno.ENFILE => "Raise the limit of open files (ulimit -n).",
        Errno.EACCES or Errno.EPERM => "Everything in the store must belong to the user that uses it.",
        Errno.ENOENT => "Something else removed a part of the store; open it again.",
        _ => null,
    };
}
