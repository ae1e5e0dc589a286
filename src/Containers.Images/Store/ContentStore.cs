using System.Globalization;
using System.Text;
using Containers.Interop;
using Containers.RootFilesystems;

namespace Containers.Store;

/// <summary>
/// Images on disk, for all processes of one user at once: content by digest, unpacked layers, and names. Nothing in memory is needed
/// to know what is in it, and nothing that a process leaves half done has a name that others see.
/// </summary>
internal sealed class ContentStore : IDisposable
{
    private const int CurrentVersion = 1;
    private readonly StoreLayout _layout;
    private readonly StoreSession _session;
    private readonly StoreHolds _holds;

    private ContentStore(StoreLayout layout, StoreSession session, Action<string> removeTree, Func<string> variant, Action<StoreProblem> report)
    {
        _layout = layout;
        _session = session;
        _holds = new StoreHolds(layout, session);
        Blobs = new BlobStore(layout, session);
        Layers = new LayerStore(layout, session, removeTree, variant);
        Tags = new TagStore(layout, session, report);
        Images = new ImageGraph(Blobs);
        Collector = new GarbageCollector(layout, this, removeTree);
        Verifier = new StoreVerifier(layout, this);
    }

    public string Directory => _layout.Root;

    public BlobStore Blobs { get; }

    public LayerStore Layers { get; }

    public TagStore Tags { get; }

    public ImageGraph Images { get; }

    public GarbageCollector Collector { get; }

    public StoreVerifier Verifier { get; }

    /// <summary>Opens the store in a directory, which is made if it is not there, and sweeps what processes that died left in it.</summary>
    /// <param name="directory">Its directory; it must be this user's alone.</param>
    /// <param name="report">Is told what is found broken on the way.</param>
    /// <param name="removeTree">Removes a directory with all below it, where the files may be those of subordinate ids; null: the usual way.</param>
    /// <param name="variant">What the names of layers end in here: with which ids they are unpacked; asked when a layer is. Null: nothing.</param>
    /// <exception cref="ContainerException">The directory cannot be made or used.</exception>
    public static ContentStore Open(string directory, Action<StoreProblem>? report = null, Action<string>? removeTree = null, Func<string>? variant = null)
    {
        var layout = new StoreLayout(Path.GetFullPath(directory));
        report ??= static _ => { };
        removeTree ??= DirectoryTree.Remove;
        EngineDirectory.CreateOwned(layout.Root, "store's directory", StoreLayout.Remedy);
        RequirePrivate(layout.Root);
        try
        {
            foreach (var path in layout.Directories)
            {
                System.IO.Directory.CreateDirectory(path);
            }
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            throw StoreErrors.From("create the directories of the store in", layout.Root, exception);
        }

        StoreSession.Sweep(layout, removeTree);
        var session = StoreSession.Create(layout, removeTree);
        try
        {
            CheckVersion(layout, session, report);
            return new ContentStore(layout, session, removeTree, variant ?? (static () => string.Empty), report);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>A path on the store's file system that is gone with this object or its process.</summary>
    public string NewTemporaryPath() => _session.NewPath();

    /// <summary>What all images take, and each.</summary>
    public async Task<StoreUsage> UsageAsync(CancellationToken cancellationToken = default)
    {
        using var collector = await FileLock.AcquireAsync(_layout.CollectorLock, exclusive: false, cancellationToken).ConfigureAwait(false);
        return StoreUsage.Of(await StoreSnapshot.TakeAsync(_layout, this, cancellationToken).ConfigureAwait(false), Blobs);
    }

    /// <summary>Keeps content from being collected for as long as what is returned lives; empty at first.</summary>
    public Hold Hold() => _holds.Create();

    public void Dispose()
    {
        _session.Dispose();
        _holds.Dispose();
    }

    /// <summary>Programs in layers may be set-user-ID: no other user may reach them.</summary>
    private static void RequirePrivate(string root)
    {
        const uint Others = 0x3F; // 0077
        if (FileStatus.TryGet(root, out var status) && (status.Mode & Others) != 0)
        {
            throw new ImageException(
                "use as store's directory", root, $"Other users can enter it, and run what images hold. Run chmod 700 {root}, or name another directory.");
        }
    }

    private static void CheckVersion(StoreLayout layout, StoreSession session, Action<StoreProblem> report)
    {
        string? text = null;
        try
        {
            text = File.Exists(layout.Version) ? File.ReadAllText(layout.Version) : null;
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            throw StoreErrors.From("read", layout.Version, exception);
        }

        if (int.TryParse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var version))
        {
            if (version != CurrentVersion)
            {
                throw new ImageException("open the store", layout.Root,
                    $"It has layout {version}, and this is a program for {CurrentVersion}: use the program that made it, or another directory.");
            }

            return;
        }

        if (text is not null)
        {
            report(new StoreProblem(StoreProblemKind.Unknown, layout.Version, "It was no number.") { IsRepaired = true });
        }

        DurableFile.Write(layout.Version, session.NewPath(), Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{CurrentVersion}\n")));
    }
}
