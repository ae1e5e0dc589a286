using System.Globalization;
using System.Runtime.InteropServices;

namespace Containers.Interop;

/// <summary>Errno values as a person reads them: <c>EPERM (Operation not permitted)</c>.</summary>
internal static class ErrnoNames
{
    public static Errno Last => (Errno)Marshal.GetLastPInvokeError();

    public static string Describe(this Errno errno)
    {
        var name = Enum.IsDefined(errno) ? errno.ToString() : string.Create(CultureInfo.InvariantCulture, $"errno {(int)errno}");
        return $"{name} ({Marshal.GetPInvokeErrorMessage((int)errno)})";
    }
}
