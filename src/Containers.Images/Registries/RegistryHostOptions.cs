using System.Security.Cryptography.X509Certificates;

namespace Containers;

/// <summary>What differs for one registry.</summary>
public sealed class RegistryHostOptions
{
    /// <summary>Whether it is spoken to over plain http. Without, only loopback addresses are, and everything can be read and changed on the way.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Authorities that may have signed its certificate, in place of the system's.</summary>
    public X509Certificate2Collection CertificateAuthorities { get; } = [];

    /// <summary>
    /// Hosts, with a port where it is not 443, that are asked in this order before the registry itself when something is pulled. They get
    /// no credential of the registry, only one of their own; what they give for a tag is believed, for a digest checked.
    /// </summary>
    public IList<string> Mirrors { get; } = [];

    /// <summary>The credential; null: the provider of the options is asked.</summary>
    public RegistryCredential? Credential { get; set; }

    /// <summary>Hosts whose token servers may be sent the credential, besides those with the registry's own domain.</summary>
    public IList<string> TokenHosts { get; } = [];
}
