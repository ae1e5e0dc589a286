using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Containers.Specification.Rules;

namespace Containers.References;

/// <summary>Reads one reference by the grammar of distribution/reference, and remembers where and why it is none.</summary>
internal sealed class ReferenceParser(string text)
{
    public const int MaxRepository = 255;
    public const int MaxTag = 128;

    // PATH_MAX of Linux, and far more than a host name (255), repository, tag and digest together.
    private const int MaxText = 4096;
    private const int MaxHost = 255;

    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Digits = "0123456789";

    private static readonly SearchValues<char> TagFirst = SearchValues.Create(Letters + Digits + "_");
    private static readonly SearchValues<char> TagRest = SearchValues.Create(Letters + Digits + "_.-");
    private static readonly SearchValues<char> LocalName = SearchValues.Create(Letters + Digits + "_.-:@+/");
    private static readonly SearchValues<char> Decimal = SearchValues.Create(Digits);
    private static readonly SearchValues<char> LowercaseHex = SearchValues.Create(Digits + "abcdef");
    private static readonly SearchValues<char> HostMarks = SearchValues.Create(".:");

    private static readonly (string Prefix, ImageTransport Transport)[] Local =
    [
        ("oci:", ImageTransport.OciDirectory),
        ("oci-archive:", ImageTransport.OciArchive),
        ("docker-archive:", ImageTransport.DockerArchive),
    ];

    /// <summary>What is wrong, once <see cref="Read"/> has given null.</summary>
    public string? Problem { get; private set; }

    /// <summary>What a local source's reference begins with.</summary>
    public static string Prefix(ImageTransport transport) => Array.Find(Local, local => local.Transport == transport).Prefix;

    /// <summary>Whether it can be a tag by itself.</summary>
    public static bool IsTag(ReadOnlySpan<char> tag) =>
        tag.Length is > 0 and <= MaxTag && TagFirst.Contains(tag[0]) && !tag.ContainsAnyExcept(TagRest);

    /// <summary>The reference; null where it is none.</summary>
    public ImageReference? Read()
    {
        if (text.Length == 0)
        {
            return Fail(0, "it is empty");
        }

        if (text.Length > MaxText)
        {
            return Fail(MaxText, $"it is longer than {MaxText} characters");
        }

        foreach (var (prefix, transport) in Local)
        {
            if (text.StartsWith(prefix, StringComparison.Ordinal))
            {
                return ReadLocal(transport, prefix.Length);
            }
        }

        return text.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme
            ? Fail(scheme, "a reference begins with the registry's host, without a scheme")
            : ReadRemote();
    }

    private ImageReference? ReadLocal(ImageTransport transport, int start)
    {
        var colon = text.IndexOf(':', start);
        var end = colon < 0 ? text.Length : colon;
        if (end == start)
        {
            return Fail(start, "a path must follow");
        }

        for (var i = start; i < end; i++)
        {
            if (char.IsControl(text[i]) || char.IsSurrogate(text[i]))
            {
                return Fail(i, "a path has no such character");
            }
        }

        if (colon < 0)
        {
            return new ImageReference(transport, text[start..], tag: null);
        }

        var name = text.AsSpan(colon + 1);
        if (name.Length == 0 || !TagFirst.Contains(name[0]))
        {
            return Fail(colon + 1, "the name of an image must follow, which begins with a letter, a digit or '_'");
        }

        return name.IndexOfAnyExcept(LocalName) is >= 0 and var wrong
            ? Fail(colon + 1 + wrong, "the name of an image has letters, digits and '_.-:@+/'")
            : new ImageReference(transport, text[start..colon], name.ToString());
    }

    private ImageReference? ReadRemote()
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var nameEnd = at < 0 ? text.Length : at;
        if (at >= 0 && !Oci.Digest.TryParse(text[(at + 1)..], out _))
        {
            return Fail(at + 1, "a digest is sha256: with 64, or sha512: with 128 lowercase hexadecimal digits");
        }

        // The first part is a host if it looks like one; else the whole is a name in Docker Hub.
        var slash = text.IndexOf('/', 0, nameEnd);
        var hostEnd = slash > 0 && IsHost(text.AsSpan(0, slash)) ? slash : -1;
        if (hostEnd >= 0 && !CheckHost(hostEnd))
        {
            return null;
        }

        var start = hostEnd + 1;
        var colon = text.IndexOf(':', start, nameEnd - start);
        var repositoryEnd = colon < 0 ? nameEnd : colon;
        if (!CheckRepository(start, repositoryEnd) || (colon >= 0 && !CheckTag(colon + 1, nameEnd)))
        {
            return null;
        }

        var repository = text[start..repositoryEnd];
        if (hostEnd < 0 && text.Length == 64 && !text.AsSpan().ContainsAnyExcept(LowercaseHex))
        {
            return Fail(0, "64 hexadecimal digits are an image's id, not its name; write sha256: and a repository before it");
        }

        var registry = hostEnd < 0 ? ImageReference.DefaultRegistry : text[..hostEnd].ToLowerInvariant();
        registry = registry is "index.docker.io" ? ImageReference.DefaultRegistry : registry;
        if (registry == ImageReference.DefaultRegistry && !repository.Contains('/', StringComparison.Ordinal))
        {
            repository = ImageReference.OfficialPrefix + repository;
        }

        if (repository.Length > MaxRepository)
        {
            return Fail(start, $"a repository has at most {MaxRepository} characters");
        }

        var tag = colon < 0 ? null : text[(colon + 1)..nameEnd];
        return new ImageReference(registry, repository, at < 0 ? tag ?? ImageReference.DefaultTag : tag, at < 0 ? null : text[(at + 1)..]);
    }

    private static bool IsHost(ReadOnlySpan<char> part) => part.ContainsAny(HostMarks) || part is "localhost";

    private bool CheckHost(int end)
    {
        var host = text.AsSpan(0, end);
        var port = host.LastIndexOf(':');
        if (host[0] == '[')
        {
            var close = host.IndexOf(']');
            if (close < 0 || host[1..close].Contains('%') || !IPAddress.TryParse(host[1..close], out var address)
                || address.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return Fail(0, "what is in brackets must be an IPv6 address") is not null;
            }

            if (close + 1 < end && host[close + 1] != ':')
            {
                return Fail(close + 1, "after an IPv6 address comes ':' and a port, or '/'") is not null;
            }

            port = close + 1 < end ? close + 1 : -1;
        }
        else if (!CheckHostName(port < 0 ? end : port))
        {
            return false;
        }

        return port < 0 || (end - port is > 1 and <= 6 && !host[(port + 1)..].ContainsAnyExcept(Decimal)
                && int.Parse(host[(port + 1)..]) is > 0 and <= ushort.MaxValue)
            || Fail(port + 1, "a port is a number from 1 to 65535") is not null;
    }

    private bool CheckHostName(int end)
    {
        if (end > MaxHost)
        {
            return Fail(MaxHost, $"a host name has at most {MaxHost} characters") is not null;
        }

        for (var i = 0; i < end; i++)
        {
            var joins = text[i] is '-' or '.' && i > 0 && i < end - 1 && text[i - 1] != '.' && text[i + 1] != '.';
            if (!joins && !char.IsAsciiLetterOrDigit(text[i]))
            {
                return Fail(i, "a host name has letters, digits, and between them '-' and single dots") is not null;
            }
        }

        return end > 0 || Fail(0, "a host must stand before the port") is not null;
    }

    private bool CheckRepository(int start, int end)
    {
        // Parts of [a-z0-9]+, with one of '.', '_', '__' or any number of '-' between them; so never empty, '.' or '..'.
        var i = start;
        while (true)
        {
            var run = i;
            while (i < end && (char.IsAsciiLetterLower(text[i]) || char.IsAsciiDigit(text[i])))
            {
                i++;
            }

            if (i == run)
            {
                return Fail(i, i < end && char.IsAsciiLetterUpper(text[i])
                    ? "a repository is written in lower case"
                    : "a repository has parts of a-z and 0-9, joined by '/', '.', '_', '__' or dashes") is not null;
            }

            if (i == end)
            {
                return true;
            }

            i += text[i] switch
            {
                '/' or '.' => 1,
                '_' => i + 1 < end && text[i + 1] == '_' ? 2 : 1,
                '-' => text.AsSpan(i, end - i).IndexOfAnyExcept('-') is > 0 and var dashes ? dashes : end - i,
                _ => 0,
            };
        }
    }

    private bool CheckTag(int start, int end)
    {
        var tag = text.AsSpan(start, end - start);
        if (tag.Length == 0 || !TagFirst.Contains(tag[0]))
        {
            return Fail(start, "a tag begins with a letter, a digit or '_'") is not null;
        }

        if (tag.Length > MaxTag)
        {
            return Fail(start + MaxTag, $"a tag has at most {MaxTag} characters") is not null;
        }

        return tag.IndexOfAnyExcept(TagRest) is not (>= 0 and var wrong)
            || Fail(start + wrong, "a tag has letters, digits, '_', '.' and '-'") is not null;
    }

    private ImageReference? Fail(int position, string rule)
    {
        Problem = $"\"{Printable.Shorten(text)}\" is no reference to an image: at position {position}, {rule}.";
        return null;
    }
}
