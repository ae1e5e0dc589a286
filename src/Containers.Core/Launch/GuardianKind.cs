namespace Containers.Launch;

/// <summary>Which namespaces a guardian gives to all that is below it.</summary>
internal enum GuardianKind
{
    /// <summary>A PID namespace, whose PID 1 it is; an ordinary user's also a user namespace.</summary>
    Own,

    /// <summary>The host's PID namespace: it ends what is below it by itself. An ordinary user's has a user namespace.</summary>
    SharesProcesses,

    /// <summary>None at all.</summary>
    Plain,
}
