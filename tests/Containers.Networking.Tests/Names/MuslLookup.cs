namespace Containers.Tests.Names;

/// <summary>A static program of musl that looks a name (4, 6, u) or an address (r) up.</summary>
internal static class MuslLookup
{
    /// <summary>Puts it into a directory.</summary>
    /// <returns>Its path.</returns>
    public static string Compile(string directory)
    {
        const string Source = """
            #include <arpa/inet.h>
            #include <netdb.h>
            #include <stdio.h>
            #include <string.h>
            int main(int count, char **words)
            {
                struct addrinfo hints, *found;
                memset(&hints, 0, sizeof hints);
                hints.ai_socktype = SOCK_STREAM;
                hints.ai_family = words[1][0] == '4' ? AF_INET : words[1][0] == '6' ? AF_INET6 : AF_UNSPEC;
                hints.ai_flags = words[1][0] == 'r' ? AI_NUMERICHOST : 0;
                int error = getaddrinfo(words[2], "80", &hints, &found);
                if (error) { printf("%s ", gai_strerror(error)); return 1; }
                for (; found; found = found->ai_next) {
                    char text[256];
                    error = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, 0, 0, words[1][0] == 'r' ? NI_NAMEREQD : NI_NUMERICHOST);
                    printf("%s ", error ? gai_strerror(error) : text);
                }
                return 0;
            }
            """;
        var program = Path.Combine(directory, "lookup");
        File.WriteAllText(program + ".c", Source);
        Host.Run("musl-gcc", "-static", "-o", program, program + ".c");
        return program;
    }
}
