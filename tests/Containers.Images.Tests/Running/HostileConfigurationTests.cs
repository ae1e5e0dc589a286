using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Containers.Oci;
using Containers.Running;
using Containers.Specification;

namespace Containers.Tests.Running;

/// <summary>What an image says of its containers is a stranger's word.</summary>
[Trait("Category", "Rootless")]
public sealed class HostileConfigurationTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/proc")]
    [InlineData("/proc/1/root")]
    [InlineData("/x/../proc")]
    [InlineData("relative")]
    [InlineData("../../etc")]
    [InlineData("/etc:/host")]
    public void Volumes_AreNoPlacesOfTheHostNorOfTheKernel(string path)
    {
        var config = new ContainerConfiguration { Volumes = ImmutableSortedDictionary<string, JsonObject>.Empty.Add(path, []) };
        if (path == "/etc:/host")
        {
            // No source: it is a path in the container with an odd name, and a volume of its own.
            Assert.Equal([path], Apply(config).Volumes);
            Assert.Empty(Apply(config).Mounts);
            return;
        }

        Refuse(config);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("4294967295")]
    [InlineData("0:4294967295")]
    [InlineData("root:root:root")]
    [InlineData("a b\n")]
    public void Users_AreNumbersOrNames(string user) => Refuse(new ContainerConfiguration { User = user });

    [Theory]
    [InlineData("SIGNOTHING")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("-9")]
    [InlineData("RTMIN+99")]
    public void StopSignals_AreSignals(string signal) => Refuse(new ContainerConfiguration { StopSignal = signal });

    [Fact]
    public void AWorkingDirectory_IsAPathOfTheContainer()
    {
        Refuse(new ContainerConfiguration { WorkingDir = "relative" });
        Refuse(new ContainerConfiguration { WorkingDir = "/a/../../../etc" });
        Assert.Equal("/srv/app", Apply(new ContainerConfiguration { WorkingDir = "/srv//app/" }).WorkingDirectory);
    }

    /// <summary>Annotations and labels mean nothing to the engine, whatever others have made of them.</summary>
    [Fact]
    public void NothingElse_ChangesHowAContainerIsConfined()
    {
        var plain = Apply(new ContainerConfiguration());
        var labels = ImmutableSortedDictionary<string, string>.Empty.Add("io.kubernetes.cri-o.Devices", "/dev/sda").Add("security", "privileged");
        var labelled = Apply(new ContainerConfiguration { Labels = labels });
        Assert.Empty(labelled.Volumes);
        Assert.Empty(labelled.Environment);

        // Lists of equal content are not equal to each other.
        Assert.Equal(plain, labelled with { Labels = plain.Labels, Volumes = plain.Volumes, Environment = plain.Environment, Command = plain.Command });
    }

    private static void Refuse(ContainerConfiguration config) =>
        Assert.Contains("use the configuration of the image hostile", Assert.Throws<ImageException>(() => Apply(config)).Message, StringComparison.Ordinal);

    private static ContainerSpec Apply(ContainerConfiguration config)
    {
        var configuration = new ImageConfiguration { Config = config, Rootfs = new LayerIdentities { DiffIds = [] } };
        var spec = (ContainerSpec)(ContainerBuilder.FromHost().WithCommand("/true").Spec);
        return ImageDefaults.Apply(spec, new HeldImage("hostile", null!, configuration, string.Empty, [], null!, null));
    }
}
