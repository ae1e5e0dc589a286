using Containers.Running;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>Containers made of images.</summary>
public static class ImageContainerBuilderExtensions
{
    extension(ContainerBuilder)
    {
        /// <summary>
        /// A container with an image as its root, fetched when it is started if <paramref name="policy"/> says so. What the image says of
        /// command, environment, user, working directory, volumes, labels and stop signal holds where the builder does not say otherwise,
        /// as with <c>docker run</c>: variables and labels are added to the image's, an entrypoint replaces the image's with its command.
        /// </summary>
        /// <param name="reference">
        /// As Docker writes it: <c>alpine</c>, <c>alpine:3.20</c>, <c>registry.example.com:5000/team/app@sha256:…</c>, of an image in the store its
        /// digest alone; or <c>oci:dir:tag</c>,
        /// <c>oci-archive:file.tar:tag</c>, <c>docker-archive:file.tar:tag</c>.
        /// </param>
        /// <param name="policy">When it is fetched.</param>
        /// <param name="platform">Which of an image of many platforms; null: this machine's.</param>
        /// <exception cref="ArgumentException"><paramref name="reference"/> is no reference; the message says where, and which rule it breaks.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="policy"/> is none of the enumeration.</exception>
        public static ContainerBuilder FromImage(string reference, PullPolicy policy = PullPolicy.Missing, ImagePlatform? platform = null)
        {
            ArgumentNullException.ThrowIfNull(reference);
            try
            {
                return ContainerBuilder.FromImage(ImageReference.Parse(reference), policy, platform);
            }
            catch (FormatException malformed)
            {
                throw new ArgumentException(malformed.Message, nameof(reference), malformed);
            }
        }

        /// <summary>A container with an image as its root.</summary>
        /// <param name="reference">The image.</param>
        /// <param name="policy">When it is fetched.</param>
        /// <param name="platform">Which of an image of many platforms; null: this machine's.</param>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="policy"/> is none of the enumeration.</exception>
        public static ContainerBuilder FromImage(ImageReference reference, PullPolicy policy = PullPolicy.Missing, ImagePlatform? platform = null)
        {
            ArgumentNullException.ThrowIfNull(reference);
            return new ContainerBuilder(new ContainerSpec
            {
                Root = new ImageSource(reference, Choice.Require(policy, nameof(policy)), platform ?? ImagePlatform.Current),
            });
        }
    }
}
