using Containers.Interop;

namespace Containers.Launch;

/// <summary>Is told, on the reactor thread, what becomes of a launch.</summary>
internal interface ILaunchObserver
{
    /// <summary>The process exists. Owns the descriptor from here on.</summary>
    public void OnSpawned(FileDescriptor pidfd);

    /// <summary>The program hands descriptors over (<see cref="HandoverSteps"/>). Owns them from here on.</summary>
    public void OnHandover(IReadOnlyList<FileDescriptor> descriptors);

    /// <summary>The filter hands calls to this descriptor (seccomp_unotify(2)). Owns it from here on.</summary>
    public void OnListener(FileDescriptor listener) => listener.Dispose();

    /// <summary>The process is in this network namespace, and will wait at its gate. Owns the descriptor from here on.</summary>
    public void OnNetwork(FileDescriptor networkNamespace) => networkNamespace.Dispose();

    /// <summary>The process has ended, with this wait status.</summary>
    public void OnExited(in LauncherMessage exit);

    /// <summary>It could not be cloned, or the guardian is gone and everything below it with it.</summary>
    public void OnFailed(ContainerException reason);
}
