using System.Diagnostics;
using FsCheck.Xunit;
using static Containers.Tests.Tar.TarBytes;

namespace Containers.Tests.Layers;

/// <summary>Layers with bytes changed by chance: unpacked or refused, never anything outside changed, never without end.</summary>
[Trait("Category", "Rootless")]
public sealed class MutatedLayerTests
{
    private static readonly int Layers = Environment.GetEnvironmentVariable("CONTAINERS_NIGHTLY") == "1" ? 20_000 : 60;

    private static readonly byte[][] Members =
    [
        Header('5', "d"), Header('5', "d/e"), Member('0', "d/file", B("content")), Header('2', "d/up", link: "../../../.."), Header('2', "out", link: "/dev/shm"),
        Member('0', "out/breakout", B("x")), Header('1', "hard", link: "d/up"), Header('1', "d/hard", link: "../canary/file"), Header('0', "d/.wh.e"),
        Header('0', "d/.wh..wh..opq"), Header('6', "fifo"), Header('4', "disk"), Header('2', "d", link: ".."), Member('0', "d/canary/file", B("y")),
        [.. Pax('x', ("path", "../canary/file"), ("SCHILY.xattr.user.x", "y"), ("mtime", "5.5")), .. Member('0', "p", B("z"))],
        [.. Pax('x', ("GNU.sparse.size", "10000"), ("GNU.sparse.map", "0,1,9,2")), .. Member('0', "s", B("abc"))],
        [.. Pax('g', ("uid", "5"))], [.. Member('L', "l", B("long/name/of/file\0")), .. Header('0', "x")],
    ];

    [Property(MaxTest = 10)]
    public async Task MutatedLayers_AreUnpackedOrRefused(int seed)
    {
        var random = new Random(seed);
        using var layer = new LayerFixture();
        var since = Stopwatch.GetTimestamp();
        for (var i = 0; i < Layers; i++)
        {
            var bytes = Archive([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => Members[random.Next(Members.Length)])]);
            for (var changes = random.Next(4); changes > 0; changes--)
            {
                var at = random.Next(bytes.Length);
                bytes[at] = (byte)random.Next(256);
                if (random.Next(3) > 0)
                {
                    Seal(bytes, at / 512 * 512);
                }
            }

            try
            {
                await layer.UnpackAsync(new MemoryStream(bytes[..random.Next(bytes.Length / 2, bytes.Length + 1)]));
            }
            catch (ImageException refused)
            {
                Assert.NotEmpty(refused.Message);
            }

            layer.AssertUntouched();
            if (i % 5 == 4)
            {
                RootFilesystems.DirectoryTree.Remove(layer.Layer);
                Directory.CreateDirectory(layer.Layer);
            }
        }

        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromMilliseconds(100 * Layers));
    }

    /// <summary>Makes the checksum right again, so that more than it is tested.</summary>
    private static void Seal(byte[] bytes, int at)
    {
        var block = bytes.AsSpan(at, 512);
        block[148..156].Fill((byte)' ');
        var sum = 0;
        foreach (var value in block)
        {
            sum += value;
        }

        B(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(block[148..]);
    }
}
