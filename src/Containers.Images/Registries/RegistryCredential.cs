namespace Containers;

/// <summary>What a registry is shown: a user's name and password (or access token), or an identity token. It never prints its secret.</summary>
public sealed class RegistryCredential
{
    /// <summary>A user's name and password.</summary>
    /// <param name="userName">The name.</param>
    /// <param name="password">The password or access token.</param>
    /// <exception cref="ArgumentException">The name is empty, or has a colon, which Basic authentication ends it at (RFC 7617).</exception>
    public RegistryCredential(string userName, string password)
    {
        ArgumentException.ThrowIfNullOrEmpty(userName);
        ArgumentNullException.ThrowIfNull(password);
        if (userName.Contains(':', StringComparison.Ordinal))
        {
            throw new ArgumentException("A user's name has no colon.", nameof(userName));
        }

        (UserName, Password) = (userName, password);
    }

    private RegistryCredential(string identityToken) => IdentityToken = identityToken;

    /// <summary>The user's name; null with an identity token.</summary>
    public string? UserName { get; }

    internal string? Password { get; }

    /// <summary>An OAuth 2 refresh token, exchanged at the registry's token server.</summary>
    internal string? IdentityToken { get; }

    /// <summary>Where it comes from, for messages.</summary>
    internal string Source { get; init; } = "the options";

    /// <summary>A token that <c>docker login</c> was given in place of the password.</summary>
    /// <param name="identityToken">The token.</param>
    public static RegistryCredential FromIdentityToken(string identityToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(identityToken);
        return new RegistryCredential(identityToken);
    }

    /// <summary>Whose it is and where it comes from; not the secret.</summary>
    public override string ToString() => UserName is null ? $"an identity token from {Source}" : $"user {Specification.Rules.Printable.Shorten(UserName)} from {Source}";

    internal RegistryCredential From(string source) => IdentityToken is null
        ? new RegistryCredential(UserName!, Password!) { Source = source }
        : new RegistryCredential(IdentityToken) { Source = source };
}
