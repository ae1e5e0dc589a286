namespace Containers.Interop;

/// <summary>Runs a program of the host to its end, without the runtime's own handling of children.</summary>
internal static unsafe class HelperProcess
{
    /// <summary>Runs it with no environment and no streams.</summary>
    /// <exception cref="ContainerException">It cannot be started.</exception>
    public static void Run(string path, params ReadOnlySpan<string> arguments)
    {
        var actions = stackalloc byte[Libc.SpawnStructureSize];
        _ = Libc.SpawnFileActionsInit(actions);
        var words = new nint[arguments.Length + 2];
        try
        {
            for (var fd = 0; fd <= 2; fd++)
            {
                _ = Libc.SpawnFileActionsAddOpen(actions, fd, "/dev/null", Libc.OpenReadWrite, 0);
            }

            words[0] = System.Runtime.InteropServices.Marshal.StringToCoTaskMemUTF8(path);
            for (var i = 0; i < arguments.Length; i++)
            {
                words[i + 1] = System.Runtime.InteropServices.Marshal.StringToCoTaskMemUTF8(arguments[i]);
            }

            var environment = stackalloc byte*[] { null };
            int pid;
            int error;
            fixed (nint* start = words)
            {
                error = Libc.PosixSpawn(&pid, path, actions, null, (byte**)start, environment);
            }

            if (error != 0)
            {
                throw new ContainerException("start", path, (Errno)error);
            }

            Launch.LauncherProcess.Reap(pid);
        }
        finally
        {
            foreach (var word in words)
            {
                System.Runtime.InteropServices.Marshal.FreeCoTaskMem(word);
            }

            _ = Libc.SpawnFileActionsDestroy(actions);
        }
    }
}
