using System.Net;

namespace Containers.Egress;

/// <summary>
/// Whom the DNS server of a network asks about a container that may not resolve everything, and tells what it answers it. From any thread.
/// </summary>
internal interface INameObserver
{
    /// <summary>Whether the container may have this name resolved; otherwise it is refused, and nobody else is asked.</summary>
    /// <param name="name">What was asked for, in any case, with or without the dot of the root; search domains are names of their own.</param>
    public bool MayResolve(ReadOnlySpan<char> name);

    /// <summary>
    /// The container will be given these addresses for this name, which it asked for: whichever other names the answer led over. Called, and
    /// awaited, before the answer is sent, so that the container can reach what it gets.
    /// </summary>
    /// <param name="name">The name of the question.</param>
    /// <param name="addresses">All addresses of the answer, IPv4 and IPv6.</param>
    /// <param name="lifetime">The shortest of the answer's records.</param>
    /// <param name="isOwn">The answer is the engine's own, of a container; not another server's, which may say what it likes.</param>
    /// <exception cref="NetworkException">The filter could not be changed: the answer must not be sent.</exception>
    public void Answered(ReadOnlySpan<char> name, IReadOnlyList<IPAddress> addresses, TimeSpan lifetime, bool isOwn);
}
