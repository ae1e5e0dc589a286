using System.Text;

namespace Containers.Specification.Rules;

/// <summary>Paths on the host. Whether they exist is seen when the container starts.</summary>
internal static class HostPath
{
    /// <summary>The path made absolute from the current directory of now, so that a later change of it means nothing.</summary>
    public static string Full(string? path, string parameter)
    {
        KernelText.RequireNotEmpty(path, parameter, "The path");
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path!));
        return Encoding.UTF8.GetByteCount(full) < ContainerPath.MaxBytes
            ? full
            : throw new ArgumentException(
                $"The path is longer than the kernel's {ContainerPath.MaxBytes - 1} bytes (PATH_MAX).", parameter);
    }

    /// <summary>The absolute path of a device file.</summary>
    public static string Device(string? path, string parameter)
    {
        KernelText.RequireNotEmpty(path, parameter, "The device path");
        return path![0] == '/'
            ? Full(path, parameter)
            : throw new ArgumentException($"'{Printable.Shorten(path)}' is not an absolute path; write a device as /dev/NAME.", parameter);
    }
}
