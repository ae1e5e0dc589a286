using Containers.Features;
using Containers.Launch;
using Containers.Specification;

namespace Containers;

// What other packages do with a container that runs.
public sealed partial class Container
{
    /// <summary>Adds what a feature has for it only now: it is counted and disposed as what it was started with, and not asked to attach anything.</summary>
    /// <exception cref="InvalidOperationException">It does not run; the session is still the caller's.</exception>
    internal void Add(IFeatureSession session)
    {
        lock (_pauseGate)
        {
            RequireRunning();
            (_features ??= FeatureSessions.OfRunning(this)).Add(session);
        }
    }

    /// <summary>All that there will be: nothing of it runs any more.</summary>
    private FeatureSessions? FeaturesAtEnd()
    {
        lock (_pauseGate)
        {
            return _features;
        }
    }

    /// <summary>
    /// Changes a file that the engine wrote into its root, in place; one that the user put there, or that the container has replaced, stays
    /// as it is.
    /// </summary>
    /// <param name="path">One of those of <see cref="NetworkFileSteps"/>.</param>
    /// <param name="edit">What becomes of its text; each character is a byte.</param>
    /// <exception cref="ContainerException">It cannot be read or written; it has then what it had.</exception>
    /// <exception cref="InvalidOperationException">The container does not run.</exception>
    internal Task EditFileAsync(string path, Func<string, string> edit)
    {
        RequireRunning();
        return _spec.WithoutNamespaces || _spec.Namespaces.Mount.Mode != NamespaceMode.Private || _spec.Files.Any(file => file.Path == path) ||
            _process!.Handed is not { } handed || !handed.Namespaces.TryGetValue(NamespaceKind.Mount, out var mounts)
            ? Task.CompletedTask
            : OwnFile.EditAsync(_guardian!, _context!, mounts, path, edit);
    }
}
