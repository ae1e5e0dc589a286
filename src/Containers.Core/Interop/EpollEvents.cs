namespace Containers.Interop;

/// <summary>Event bits of epoll_ctl(2). A hang-up and an error are reported whether asked for or not.</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    In = 0x1,
    Priority = 0x2,
    Out = 0x4,
    Error = 0x8,
    HangUp = 0x10,
    ReadHangUp = 0x2000,
    EdgeTriggered = 1u << 31,
}
