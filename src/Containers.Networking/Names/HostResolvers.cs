using System.Text;

namespace Containers.Names;

/// <summary>
/// The resolvers of the host, from its resolv.conf. The file is looked at again when it is needed, once a second at most: it may be replaced,
/// or be a link to one that is, and a program that watches it in its place would need a thread.
/// </summary>
internal sealed class HostResolvers(string path = HostResolvers.DefaultPath)
{
    public const string DefaultPath = "/etc/resolv.conf";
    private const long Interval = 1000;

    /// <summary>No resolver reads more of it.</summary>
    private const int MaximumSize = 64 * 1024;

    private State _state = new(ResolverConfiguration.Parse(string.Empty), string.Empty, long.MinValue);

    /// <summary>What the file says, as of a second ago at most.</summary>
    public ResolverConfiguration Current
    {
        get
        {
            var state = Volatile.Read(ref _state);
            var now = Environment.TickCount64;
            if (state.ReadAt >= now - Interval)
            {
                return state.Configuration;
            }

            var text = Read() ?? state.Text;
            var configuration = string.Equals(text, state.Text, StringComparison.Ordinal) ? state.Configuration : ResolverConfiguration.Parse(text);
            Volatile.Write(ref _state, new State(configuration, text, now));
            return configuration;
        }
    }

    /// <summary>Null: it cannot be read now, in the middle of a change perhaps; then the last one holds.</summary>
    private string? Read()
    {
        try
        {
            using var file = File.OpenRead(path);
            var buffer = new byte[Math.Min(file.Length, MaximumSize)];
            return Encoding.UTF8.GetString(buffer, 0, file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private sealed record State(ResolverConfiguration Configuration, string Text, long ReadAt);
}
