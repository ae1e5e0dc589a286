namespace Containers.Registries;

/// <summary>Addresses without what may be secret in them: signed queries, users and passwords.</summary>
internal static class Redaction
{
    public static string Of(Uri address) => address.IsAbsoluteUri
        ? Specification.Rules.Printable.Shorten(address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped))
        : "a relative address";
}
