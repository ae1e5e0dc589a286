using Containers.Tar;

namespace Containers.Layers;

/// <summary>Who shall own what a layer brings.</summary>
internal interface ILayerOwners
{
    /// <summary>The ids on this host; null to leave a file with whoever makes it.</summary>
    public (uint User, uint Group)? Of(TarEntry entry);
}

/// <summary>As the layer says; for root.</summary>
internal sealed class OwnersAsWritten : ILayerOwners
{
    public (uint User, uint Group)? Of(TarEntry entry) => (entry.UserId, entry.GroupId);
}

/// <summary>All is the user's own: an ordinary user with one id cannot give files away.</summary>
internal sealed class OwnerAlone : ILayerOwners
{
    public (uint User, uint Group)? Of(TarEntry entry) => null;
}
