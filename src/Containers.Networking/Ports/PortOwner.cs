using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>Who has a port of this host that was asked for: the socket in the kernel's tables, then the process that holds it.</summary>
internal static class PortOwner
{
    private const string Listening = "0A"; // TCP_LISTEN
    private const int LocalColumn = 1;
    private const int StateColumn = 3;
    private const int InodeColumn = 9;

    /// <summary>Finds it as words that end "It is …"; null where nobody is found, as for a socket that is bound and does not listen.</summary>
    public static string? Find(IPAddress? address, int port, PortProtocol protocol)
    {
        var word = PortRule.WordOf(protocol);
        var sockets = Read($"/proc/thread-self/net/{word}").Concat(Read($"/proc/thread-self/net/{word}6"))
            .Where(socket => socket.Local.Port == port && Covers(address, socket.Local.Address))
            .ToList();

        // Of a server's port, its connections have the same number.
        var found = sockets.Find(static socket => socket.IsServer) ?? sockets.FirstOrDefault();
        if (found is null)
        {
            return null;
        }

        var holder = HolderOf(found.Inode);
        var who = holder is { } process
            ? process.Id == Environment.ProcessId ? "this process itself" : string.Create(CultureInfo.InvariantCulture, $"{process.Name} (process {process.Id})")
            : "a process that cannot be seen from here";
        return $"held by {who}, with a socket {(found.IsServer ? "that serves" : "connected from")} {found.Local}";
    }

    private static bool Covers(IPAddress? asked, IPAddress has)
    {
        var plain = has.IsIPv4MappedToIPv6 ? has.MapToIPv4() : has;
        return asked is null || plain.Equals(asked) || IsAny(asked) || IsAny(plain);
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static IEnumerable<TableEntry> Read(string path)
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        foreach (var line in File.ReadLines(path).Skip(1))
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length > InodeColumn && ParseEndPoint(columns[LocalColumn]) is { } local)
            {
                // A socket of UDP that is not connected has the state CLOSE, 07.
                yield return new TableEntry(local, columns[StateColumn] is Listening or "07", columns[InodeColumn]);
            }
        }
    }

    /// <summary>Words of the host's byte order in hexadecimal digits, then the port.</summary>
    private static IPEndPoint? ParseEndPoint(string text)
    {
        const int WordDigits = 8;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon is not (WordDigits or 4 * WordDigits) || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var port))
        {
            return null;
        }

        var bytes = Convert.FromHexString(text.AsSpan(0, colon));
        if (BitConverter.IsLittleEndian)
        {
            for (var word = 0; word < bytes.Length; word += sizeof(uint))
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(word), BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(word)));
            }
        }

        return new IPEndPoint(new IPAddress(bytes), port);
    }

    /// <summary>Reads links only; processes come and go meanwhile, and some belong to others.</summary>
    private static (int Id, string Name)? HolderOf(string inode)
    {
        var link = $"socket:[{inode}]";
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                continue;
            }

            try
            {
                foreach (var descriptor in Directory.EnumerateFileSystemEntries(directory + "/fd"))
                {
                    if (new FileInfo(descriptor).LinkTarget == link)
                    {
                        return (id, File.ReadAllText(directory + "/comm").TrimEnd('\n'));
                    }
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
            }
        }

        return null;
    }

    private sealed record TableEntry(IPEndPoint Local, bool IsServer, string Inode);
}
