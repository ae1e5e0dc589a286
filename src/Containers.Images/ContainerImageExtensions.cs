using Containers.Committing;
using Containers.Interop;
using Containers.Layers;
using Containers.Tar;

namespace Containers;

/// <summary>What a container of an image wrote.</summary>
public static class ContainerImageExtensions
{
    extension(Container container)
    {
        /// <summary>
        /// Makes an image of the container's image and what the container wrote to its root; volumes and what is mounted are no part of it.
        /// The container may run, or have ended; it must not be disposed.
        /// </summary>
        /// <param name="name">What to call the image, with a tag (<c>latest</c> where it has none).</param>
        /// <param name="options">What it says of its containers; null: what the image said.</param>
        /// <param name="cancellationToken">Gives it up; then there is no image.</param>
        /// <exception cref="FormatException"><paramref name="name"/> is no reference.</exception>
        /// <exception cref="ArgumentException">What it is to say of its containers cannot be right.</exception>
        /// <exception cref="ImageException">The container was not made of an image, or what it wrote cannot be packed.</exception>
        /// <exception cref="ContainerException">It cannot be held still, which was asked for.</exception>
        /// <exception cref="InvalidOperationException">It was not started with StartAsync, or is disposed.</exception>
        public async Task<ImageInfo> CommitAsync(string name, CommitOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(container);
            options ??= new CommitOptions();
            using var written = new WrittenFiles(container);
            var isPaused = await PauseAsync(container, options.Pause, cancellationToken).ConfigureAwait(false);
            try
            {
                return await container.Engine.Images.CommitAsync(written, name, options, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                if (isPaused)
                {
                    await container.ResumeAsync(CancellationToken.None).ConfigureAwait(false);
                }
            }
        }

        /// <summary>What the container changed in its root, sorted by path, as <c>docker diff</c> tells it.</summary>
        /// <param name="cancellationToken">Gives it up.</param>
        /// <exception cref="ImageException">The container was not made of an image.</exception>
        /// <exception cref="InvalidOperationException">It was not started with StartAsync, or is disposed.</exception>
        public async Task<IReadOnlyList<ImageChange>> DiffAsync(CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(container);
            using var written = new WrittenFiles(container);
            return await WrittenChanges.FindAsync(written, cancellationToken).ConfigureAwait(false);
        }

        /// <summary>
        /// Writes the container's whole root as one tar, as <c>docker export</c> does: its image and what it wrote, without volumes and
        /// what is mounted.
        /// </summary>
        /// <param name="target">Where to write; it stays open.</param>
        /// <param name="cancellationToken">Gives it up.</param>
        /// <exception cref="ImageException">The container was not made of an image, or something in it cannot be packed.</exception>
        /// <exception cref="InvalidOperationException">It does not run.</exception>
        public async Task ExportAsync(Stream target, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(container);
            ArgumentNullException.ThrowIfNull(target);
            using var written = new WrittenFiles(container);
            await RootExport.WriteAsync(written, target, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether it is paused now by this.</summary>
    private static async Task<bool> PauseAsync(Container container, bool? wanted, CancellationToken cancellationToken)
    {
        if (wanted == false || !container.IsRunning || container.IsPaused)
        {
            return false;
        }

        try
        {
            await container.PauseAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception refused) when (refused is ContainerException && wanted is null)
        {
            // Not every user has a freezer; what changes while it is read is counted.
            return false;
        }
    }
}
