namespace Containers.Specification.Rules;

/// <summary>Permissions of files.</summary>
internal static class Permissions
{
    private const UnixFileMode All = (UnixFileMode)0xFFF;

    public static UnixFileMode Require(UnixFileMode mode, string parameter) => (mode & ~All) == UnixFileMode.None
        ? mode
        : throw new ArgumentOutOfRangeException(parameter, mode, "A file mode has permission bits only, up to octal 7777.");
}
