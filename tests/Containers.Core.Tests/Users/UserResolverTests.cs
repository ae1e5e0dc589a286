using System.Diagnostics;
using System.Text;
using Containers.Specification;
using Containers.Users;
using FsCheck.Xunit;

namespace Containers.Tests.Users;

public sealed class UserResolverTests
{
    private const string Passwd = """
        root:x:0:0:root:/root:/bin/sh
        # a comment:x:0:0::/:
        +nis:x:0:0::/:
        broken
        nouid:x
        textuid:x:abc:0::/:
        minus:x:-1:0::/:
        wrap:x:4294967296:0::/:
        huge:x:4294967295:0::/:
        wide:x:１:0::/:
        alice:x:1000:100:Alice:/home/alice:/bin/sh
        1001:x:0:0:a name of digits:/root:/bin/sh
        bob:x:1001:1001::relative:/bin/sh
        alice:x:0:0:a second alice:/root:/bin/sh
        short:x:1002:1002
        machine$:x:1003:1003::/m:
        """;

    private const string Group = """
        root:x:0:
        users:x:100:
        audio:x:29:alice,bob
        video:x:44:bob,alice
        again:x:44:alice
        alicelike:x:45:malice,alice2,
        own:x:100:alice
        bad:x:-1:alice
        1001:x:0:
        bobs:x:1001:
        """;

    [Fact]
    public void Name_GetsItsIdsHomeAndTheGroupsThatListIt()
    {
        var user = Resolve("alice");
        Assert.Equal((1000u, 100u, "/home/alice", "alice"), (user.UserId, user.GroupId, user.HomeDirectory, user.Name));
        Assert.Equal([100u, 29, 44], user.Groups);
    }

    [Fact]
    public void Id_InPasswd_IsThatUser()
    {
        var user = Resolve("1000");
        Assert.Equal((1000u, 100u, "/home/alice", "alice"), (user.UserId, user.GroupId, user.HomeDirectory, user.Name));
        Assert.Equal([100u, 29, 44], user.Groups);
    }

    [Fact]
    public void Id_NotInPasswd_HasGroupZeroAndNoName()
    {
        var user = Resolve("4000");
        Assert.Equal((4000u, 0u, "/", null), (user.UserId, user.GroupId, user.HomeDirectory, user.Name));
        Assert.Equal([0u], user.Groups);
    }

    [Theory]
    [InlineData("alice:audio", 1000u, 29u)]
    [InlineData("alice:5", 1000u, 5u)]
    [InlineData("1000:100", 1000u, 100u)]
    [InlineData("root:root", 0u, 0u)]
    [InlineData("4000:bobs", 4000u, 1001u)]
    [InlineData("machine$:users", 1003u, 100u)]
    public void Group_Given_IsTheOnlyOne(string text, uint userId, uint groupId)
    {
        var user = Resolve(text);
        Assert.Equal((userId, groupId), (user.UserId, user.GroupId));
        Assert.Equal([groupId], user.Groups);
    }

    [Fact]
    public void Groups_AskedFor_AreAddedOnce()
    {
        var spec = UserSpec.Parse("alice:users", "user") with { SupplementaryGroups = ["video", "7", "again", "100"] };
        Assert.Equal([100u, 44, 7], Resolve(spec).Groups);

        spec = UserSpec.Parse("alice", "user") with { SupplementaryGroups = ["7"] };
        Assert.Equal([100u, 29, 44, 7], Resolve(spec).Groups);
    }

    [Fact]
    public void Digits_AreNeverAName()
    {
        // The file has a user and a group called 1001 that are root.
        var user = Resolve("1001");
        Assert.Equal((1001u, 1001u, "bob"), (user.UserId, user.GroupId, user.Name));
        Assert.Equal(1001u, Resolve("1001:1001").GroupId);
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("nouid")]
    [InlineData("textuid")]
    [InlineData("minus")]
    [InlineData("wrap")]
    [InlineData("huge")]
    [InlineData("wide")]
    [InlineData("broken")]
    public void Name_UnknownOrWithABrokenLine_IsAnErrorThatSaysWhatToDo(string name)
    {
        var e = Assert.Throws<ContainerException>(() => Resolve(name));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
        Assert.Equal("/etc/passwd", e.Path);
        Assert.Contains("number", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Group_UnknownOrBroken_IsAnErrorThatNamesTheFile()
    {
        Assert.Equal("/etc/group", Assert.Throws<ContainerException>(() => Resolve("alice:nogroup")).Path);
        Assert.Equal("/etc/group", Assert.Throws<ContainerException>(() => Resolve("alice:bad")).Path);
    }

    [Fact]
    public void Files_Missing_LeaveNumbersUsable()
    {
        var user = UserResolver.Resolve(UserSpec.Parse("7:8", "user"), [], []);
        Assert.Equal((7u, 8u, "/", null), (user.UserId, user.GroupId, user.HomeDirectory, user.Name));
        Assert.Throws<ContainerException>(() => UserResolver.Resolve(UserSpec.Parse("root", "user"), [], []));
    }

    [Fact]
    public void Home_NotAbsoluteOrMissing_IsTheRoot()
    {
        Assert.Equal("/", Resolve("bob").HomeDirectory);
        Assert.Equal("/", Resolve("short").HomeDirectory);
    }

    [Theory]
    [InlineData("/ho\tme")]
    [InlineData("/home\r")]
    [InlineData("/home\u007f")]
    public void Home_WithControlCharacters_IsTheRoot(string home) =>
        Assert.Equal("/", ResolveBytes("u", Encoding.UTF8.GetBytes($"u:x:5:5::{home}:/bin/sh\n"), []).HomeDirectory);

    [Fact]
    public void Home_NotUtf8_IsTheRoot() =>
        Assert.Equal("/", ResolveBytes("u", [.. "u:x:5:5::/h"u8, 0xFF, .. ":/bin/sh\n"u8], []).HomeDirectory);

    [Fact]
    public void Lines_WithNul_AreSkipped() =>
        Assert.Throws<ContainerException>(() => ResolveBytes("u", "u:x:0:0::/\0:\n"u8.ToArray(), []));

    [Fact]
    public void Lines_TooLong_AreSkipped()
    {
        var line = "u:x:0:0:" + new string('a', 2 << 20) + ":/:\nu:x:9:9::/u:\n";
        Assert.Equal(9u, ResolveBytes("u", Encoding.ASCII.GetBytes(line), []).UserId);
    }

    [Fact]
    public void Files_TooLarge_AreRefused()
    {
        var large = new byte[UserResolver.MaxFileBytes + 1];
        Assert.Equal("/etc/passwd", Assert.Throws<ContainerException>(() => ResolveBytes("0", large, [])).Path);
        Assert.Equal("/etc/group", Assert.Throws<ContainerException>(() => ResolveBytes("0", [], large)).Path);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData(":")]
    [InlineData("a:x:1:")]
    [InlineData("a:x:1:a,a,\n")]
    [InlineData(",")]
    [InlineData("\0")]
    public void Files_FullOfGarbage_TakeLittleTime(string pattern)
    {
        var bytes = new byte[UserResolver.MaxFileBytes];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)pattern[i % pattern.Length];
        }

        var clock = Stopwatch.StartNew();
        ResolveBytes("1", bytes, bytes);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(3), $"took {clock.Elapsed}");
    }

    [Fact]
    public void Groups_WithoutEnd_AreRefused()
    {
        var file = new StringBuilder();
        for (var i = 1; i <= 70000; i++)
        {
            file.Append("g:x:").Append(i).Append(":u\n");
        }

        var e = Assert.Throws<ContainerException>(() => ResolveBytes("u", "u:x:5:5::/:\n"u8.ToArray(), Encoding.ASCII.GetBytes(file.ToString())));
        Assert.Contains("NGROUPS_MAX", e.Message, StringComparison.Ordinal);
    }

    [Property]
    public bool AnyBytes_GiveAUserOrAnErrorOfOurs(byte[] passwd, byte[] group)
    {
        try
        {
            var user = ResolveBytes("1:a", passwd, group);
            return user.UserId == 1 && user.Groups[0] == user.GroupId;
        }
        catch (ContainerException)
        {
            return true;
        }
    }

    [Property]
    public bool AnyBytesBetweenLines_ChangeNothing(byte[] junk)
    {
        // Junk of no account's name: every line of it is cut off from the real ones by newlines.
        byte[] safe = [.. junk.Where(b => b is not (byte)'u')];
        byte[] passwd = [(byte)'\n', .. safe, (byte)'\n', .. "u:x:5:6::/u:/bin/sh\n"u8, .. safe];
        byte[] group = [.. safe, (byte)'\n', .. "v:x:7:u\n"u8, .. safe];
        var user = ResolveBytes("u", passwd, group);
        return user is { UserId: 5, GroupId: 6, HomeDirectory: "/u", Name: "u" } && user.Groups.SequenceEqual([6u, 7u]);
    }

    [Property]
    public bool Ids_AreReadAsTheyAreWritten(uint id)
    {
        var text = id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return AccountId.TryParse(text.AsSpan(), out var parsed) == (id < int.MaxValue) && (id >= int.MaxValue || parsed == id);
    }

    private static ResolvedUser Resolve(string user) => Resolve(UserSpec.Parse(user, "user"));

    private static ResolvedUser Resolve(UserSpec user) =>
        UserResolver.Resolve(user, Encoding.UTF8.GetBytes(Passwd), Encoding.UTF8.GetBytes(Group));

    private static ResolvedUser ResolveBytes(string user, byte[] passwd, byte[] group) =>
        UserResolver.Resolve(UserSpec.Parse(user, "user"), passwd, group);
}
