namespace Containers.Pulling;

/// <summary>Adds up what layers tell of themselves, and tells it on.</summary>
internal sealed class TransferProgress(IProgress<PullProgress>? progress)
{
    private long _bytes;
    private long _size;

    /// <summary>A layer that is to be transferred, or none of whose bytes are.</summary>
    public LayerProgress Start(string layer, long size, PullStage stage)
    {
        if (stage == PullStage.Transferring)
        {
            Interlocked.Add(ref _size, size);
        }

        var started = new LayerProgress(this, layer, size);
        started.Report(stage);
        return started;
    }

    internal void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void Report(string layer, PullStage stage, long bytes, long size) =>
        progress?.Report(new PullProgress(layer, stage, bytes, size, Interlocked.Read(ref _bytes), Interlocked.Read(ref _size)));
}

/// <summary>How far one layer is; told a hundred times at most.</summary>
internal sealed class LayerProgress(TransferProgress all, string layer, long size)
{
    private const int Steps = 100;
    private long _bytes;
    private long _told;

    public void Add(long bytes)
    {
        _bytes += bytes;
        all.Add(bytes);
        if (_bytes - _told > size / Steps)
        {
            _told = _bytes;
            Report(PullStage.Transferring);
        }
    }

    public void Report(PullStage stage) => all.Report(layer, stage, _bytes, size);
}
