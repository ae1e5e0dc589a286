using System.Net.Http.Headers;

namespace Containers.Registries;

/// <summary>How a host wants to be shown who asks: a <c>WWW-Authenticate</c> header (RFC 9110, section 11.6.1).</summary>
internal sealed record Challenge(bool IsBearer, Uri? Realm, string? Service)
{
    private const int MaxValue = 4096;

    /// <summary>The best that we can do of what is offered; null where there is none.</summary>
    public static Challenge? From(HttpResponseHeaders headers)
    {
        Challenge? basic = null;
        foreach (var offered in headers.WwwAuthenticate)
        {
            if (offered.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                var values = Parameters(offered.Parameter ?? string.Empty);
                return Uri.TryCreate(values.GetValueOrDefault("realm"), UriKind.Absolute, out var realm)
                    ? new Challenge(IsBearer: true, realm, values.GetValueOrDefault("service"))
                    : null;
            }

            if (offered.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            {
                basic = new Challenge(IsBearer: false, Realm: null, Service: null);
            }
        }

        return basic;
    }

    /// <summary>name=token and name="quoted text", divided by commas.</summary>
    internal static Dictionary<string, string> Parameters(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var i = 0;
        while (i < text.Length && text.Length <= MaxValue)
        {
            var equals = text.IndexOf('=', i);
            if (equals < 0)
            {
                break;
            }

            var name = text[i..equals].Trim(' ', ',', '\t');
            i = equals + 1;
            var value = new System.Text.StringBuilder();
            if (i < text.Length && text[i] == '"')
            {
                for (i++; i < text.Length && text[i] != '"'; i++)
                {
                    if (text[i] == '\\' && i + 1 < text.Length)
                    {
                        i++;
                    }

                    value.Append(text[i]);
                }

                i++;
            }
            else
            {
                for (; i < text.Length && text[i] != ','; i++)
                {
                    value.Append(text[i]);
                }
            }

            values.TryAdd(name, value.ToString().Trim());
        }

        return values;
    }
}
