namespace Containers.Interop;

/// <summary>Programs of the host that do for an ordinary user what the kernel does not let one do.</summary>
internal static class HostProgram
{
    /// <summary>Where distributions put them; never from PATH, which the user's environment decides.</summary>
    /// <returns>The absolute path; null where it is not installed.</returns>
    public static string? Find(string name) => Array.Find([$"/usr/bin/{name}", $"/bin/{name}", $"/usr/sbin/{name}", $"/run/wrappers/bin/{name}"], File.Exists);
}
