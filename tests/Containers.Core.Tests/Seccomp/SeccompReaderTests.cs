using System.Globalization;
using System.Text;
using FsCheck.Xunit;

namespace Containers.Tests.Seccomp;

/// <summary>Profiles as others write them, and what is wrong with them told by its place.</summary>
public sealed class SeccompReaderTests
{
    /// <summary>The shape of the files that Docker and podman ship.</summary>
    private const string DockersShape = """
        {
          "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
          "archMap": [ { "architecture": "SCMP_ARCH_X86_64", "subArchitectures": [ "SCMP_ARCH_X86", "SCMP_ARCH_X32" ] } ],
          "syscalls": [
            { "names": [ "read", "futex_of_the_future" ], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "", "includes": {}, "excludes": {} },
            { "names": [ "ptrace" ], "action": "SCMP_ACT_ALLOW", "args": null, "includes": { "minKernel": "4.8" } },
            { "name": "mount", "action": "SCMP_ACT_ALLOW", "includes": { "caps": [ "CAP_SYS_ADMIN" ], "arches": [ "amd64" ] } },
            { "names": [ "clone" ], "action": "SCMP_ACT_ALLOW", "args": [ { "index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" } ], "excludes": { "caps": [ "CAP_SYS_ADMIN" ] } }
          ]
        }
        """;

    /// <summary>The example of the runtime specification's config-linux.md, in its fields.</summary>
    private const string TheSpecificationsShape = """
        { "defaultAction": "SCMP_ACT_ALLOW", "architectures": [ "SCMP_ARCH_X86", "SCMP_ARCH_X32" ], "flags": [ "SECCOMP_FILTER_FLAG_LOG" ],
          "syscalls": [ { "names": [ "getcwd", "chmod" ], "action": "SCMP_ACT_ERRNO", "errnoRet": 13 } ] }
        """;

    [Fact]
    public void BothShapes_AreRead()
    {
        var docker = SeccompProfile.Parse(DockersShape);
        Assert.Equal(["futex_of_the_future"], docker.UnknownSystemCalls);
        Assert.Equal(4, docker.Content.Rules.Length);
        Assert.Equal(new Version(4, 8), docker.Content.Rules[1].Includes!.MinKernel);
        Assert.Equal(38u, docker.Content.DefaultAction.Value & 0xffff);

        var specification = SeccompProfile.Parse(TheSpecificationsShape);
        Assert.Equal(2u, specification.Content.Flags);
        Assert.Equal(13u, specification.Content.Rules[0].Action.Value & 0xffff);
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("[]", "the profile: Object is expected; found Array")]
    [InlineData("{}", "defaultAction: it is missing")]
    [InlineData("""{"defaultAction":"ALLOW"}""", "defaultAction: found ALLOW; allowed: SCMP_ACT_KILL")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}""", "syscalls: Array is expected; found Object")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[1]}""", "syscalls[0]: Object is expected; found Number")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"]}]}""", "syscalls[0].action: it is missing")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[7],"action":"SCMP_ACT_ALLOW"}]}""", "syscalls[0].names[0]: String is expected; found Number")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]}""", "syscalls[0].args[0].index: found 6; allowed: 0 to 5")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":0,"op":"=="}]}]}""", "syscalls[0].args[0].op: found ==; allowed: SCMP_CMP_NE")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":-1,"op":"SCMP_CMP_EQ"}]}]}""", "syscalls[0].args[0].value: found -1")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_ERRNO","errnoRet":5000}]}""", "syscalls[0].errnoRet: found 5000; allowed: 0 to 4095")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_X"]}}]}""", "syscalls[0].includes.caps[0]: found CAP_X")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"new"}}]}""", "syscalls[0].includes.minKernel: found new; allowed: a version")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","flags":["FAST"]}""", "flags[0]: found FAST")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","architectures":["x86"]}""", "architectures[0]: found x86")]
    [InlineData("""{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/x"}""", "listenerPath")]
    public void WhatIsWrong_IsToldByItsPlace(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<SeccompProfileException>(() => SeccompProfile.Parse(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void AFile_IsNamedInTheError()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "{}");
        Assert.StartsWith(path, Assert.Throws<SeccompProfileException>(() => SeccompProfile.FromFile(path)).Message, StringComparison.Ordinal);
        File.Delete(path);
        Assert.Throws<FileNotFoundException>(() => SeccompProfile.FromFile(path));
    }

    [Fact]
    public void HostileSizes_AreRefused()
    {
        Assert.Throws<SeccompProfileException>(() => SeccompProfile.Parse(new string('[', 1 << 20)));
        Assert.Throws<SeccompProfileException>(() => SeccompProfile.Parse(new byte[(4 << 20) + 1]));
        var rule = """{"names":["read"],"action":"SCMP_ACT_ALLOW"}""";
        Assert.Throws<SeccompProfileException>(() => SeccompProfile.Parse($$"""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{{string.Join(',', Enumerable.Repeat(rule, 5000))}}]}"""));
        var names = string.Join(',', Enumerable.Repeat("\"read\"", 70000));
        Assert.Throws<SeccompProfileException>(() => SeccompProfile.Parse($$"""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[{{names}}],"action":"SCMP_ACT_ALLOW"}]}"""));
    }

    /// <summary>Whatever the bytes: a profile, or the one exception.</summary>
    [Property(MaxTest = 2000)]
    public void AnyBytes_AreReadOrRefused(byte[] bytes) => ReadOrRefuse(bytes);

    /// <summary>Real profiles with pieces cut out, doubled or changed.</summary>
    [Property(MaxTest = 2000)]
    public void DamagedProfiles_AreReadOrRefused(int seed)
    {
        var random = new Random(seed);
        var bytes = Encoding.UTF8.GetBytes(random.Next(2) == 0 ? DockersShape : TheSpecificationsShape).ToList();
        string[] pieces = ["null", "-1", "1e400", "\"\\ud800\"", "{}", "[", "18446744073709551616", "\0", "\"SCMP_ACT_NOTIFY\"", ":", random.Next().ToString(CultureInfo.InvariantCulture)];
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var at = random.Next(bytes.Count);
            if (random.Next(2) == 0)
            {
                bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
            }
            else
            {
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(pieces[random.Next(pieces.Length)]));
            }
        }

        ReadOrRefuse([.. bytes]);
    }

    private static void ReadOrRefuse(byte[] bytes)
    {
        try
        {
            SeccompProfile.Parse(bytes).Compile(0);
        }
        catch (SeccompProfileException)
        {
            // The one that callers are told of.
        }
    }
}
