using System.Runtime.InteropServices;
using Containers.Interop;
using Containers.Processes;

namespace Containers.Seccomp;

/// <summary>Takes the calls that a filter hands over (seccomp_unotify(2)): answers them by the handler, or kills who made them and says what it was.</summary>
internal sealed unsafe class SystemCallListener : IReactorHandler, IDisposable
{
    private const nuint Receive = 0xC0502100; // SECCOMP_IOCTL_NOTIF_RECV
    private const nuint Send = 0xC0182101; // SECCOMP_IOCTL_NOTIF_SEND
    private const nuint IsValid = 0x40082102; // SECCOMP_IOCTL_NOTIF_ID_VALID
    private const uint Continue = 1; // SECCOMP_USER_NOTIF_FLAG_CONTINUE

    private readonly Reactor _reactor;
    private readonly FileDescriptor _listener;
    private readonly SecurityProfile _security;
    private readonly ulong _capabilities;
    private readonly Action<FileDescriptor> _kill;
    private readonly ReactorRegistration _registration;
    private volatile string? _denied;

    /// <param name="reactor">Waits for calls.</param>
    /// <param name="listener">From the process that the filter is installed in; owned by this object.</param>
    /// <param name="security">The filter and the handler.</param>
    /// <param name="capabilities">The container's, which decide on rules.</param>
    /// <param name="kill">Kills a process of the container by its pidfd.</param>
    public SystemCallListener(Reactor reactor, FileDescriptor listener, SecurityProfile security, ulong capabilities, Action<FileDescriptor> kill)
    {
        _reactor = reactor;
        _listener = listener;
        _security = security;
        _capabilities = capabilities;
        _kill = kill;
        _registration = reactor.Register(listener, EpollEvents.In, this);
    }

    /// <summary>The first call that a process was killed for.</summary>
    public string? Denied => _denied;

    public void Dispose()
    {
        _registration.Dispose();
        _listener.Dispose();
    }

    void IReactorHandler.OnReady(EpollEvents events)
    {
        if (!events.HasFlag(EpollEvents.In))
        {
            // No process has the filter any more. Asked now, older kernels would wait for a call that never comes.
            _registration.Dispose();
            return;
        }

        // struct seccomp_notif has to be zero before. ENOENT: who made the call has been killed meanwhile.
        var notification = default(Notification);
        if (Libc.Control(_listener, Receive, &notification) != 0)
        {
            return;
        }

        var arguments = new Span<ulong>(notification.Arguments, 6).ToArray();
        var call = new InterceptedSystemCall(notification.Number, (int)notification.ProcessId, arguments);
        if (notification.Machine != SeccompMachine.Native.Audit || _security.Seccomp!.Decide(_capabilities, call.Name, arguments).Kills)
        {
            _denied ??= notification.Machine == SeccompMachine.Native.Audit ? call.Name : "a call of another architecture";
            Kill(notification);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.Listener.Handle(state.Id, state.Call), (Listener: this, notification.Id, Call: call), preferLocal: false);
        }
    }

    /// <summary>The id is still that of who made the call as long as the call is valid.</summary>
    private void Kill(Notification notification)
    {
        using var process = PidFd.Open((int)notification.ProcessId);
        if (process is not null && Libc.Control(_listener, IsValid, &notification.Id) == 0)
        {
            _kill(process);
        }
    }

    private void Handle(ulong id, in InterceptedSystemCall call)
    {
        const int NotPermitted = 1;
        var answer = SystemCallAnswer.Fail(NotPermitted);
        try
        {
            answer = _security.SystemCallHandler!(call);
        }
        catch (Exception fault)
        {
            _reactor.Report(fault);
        }

        var response = new Response { Id = id, Value = answer.Value, Error = -answer.Error, Flags = answer.GoesOn ? Continue : 0 };

        try
        {
            // ENOENT: who made the call has been killed or interrupted meanwhile.
            if (Libc.Control(_listener, Send, &response) != 0 && ErrnoNames.Last is var errno and not Errno.ENOENT)
            {
                _reactor.Report(new ContainerException($"answer {call.Name}", null, errno));
            }
        }
        catch (ObjectDisposedException)
        {
            // The container has ended: nobody waits for the answer any more.
        }
    }

    /// <summary>struct seccomp_notif, with struct seccomp_data</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Notification
    {
        public ulong Id;
        public uint ProcessId;
        public uint Flags;
        public int Number;
        public uint Machine;
        public ulong InstructionPointer;
        public fixed ulong Arguments[6];
    }

    /// <summary>struct seccomp_notif_resp</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Response
    {
        public ulong Id;
        public long Value;
        public int Error;
        public uint Flags;
    }
}
