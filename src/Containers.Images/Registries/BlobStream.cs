using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Containers.Oci;
using Containers.Streams;

namespace Containers.Registries;

/// <summary>
/// A blob while it is downloaded: hashed and counted where it lies, without a copy; continued by Range after a broken connection. The
/// last bytes are given out only when the whole has the right digest.
/// </summary>
internal sealed class BlobStream(
    IReadOnlyList<RegistryEndpoint> endpoints,
    Func<RegistryEndpoint, long, CancellationToken, Task<HttpResponseMessage>> ask,
    Descriptor descriptor,
    long from,
    string subject,
    RegistryOptions options,
    Action<RegistryEndpoint> distrust) : InputStream
{
    private const string Step = "pull the blob";
    private const int SkipBuffer = 64 * 1024;

    private readonly Digest _expected = descriptor.Id;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(descriptor.Id.Algorithm == Digest.Sha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);
    private CancellationTokenSource _idle = new();
    private HttpResponseMessage? _response;
    private Stream? _body;
    private readonly bool _isWhole = from == 0;
    private long _position = from;
    private long _skip;
    private int _endpoint;
    private int _failures;
    private long _lastFailureAt;
    private long _windowBytes;
    private TimeSpan _windowTime;
    private bool _isVerified = from > 0;
    private bool _rangesAreUseless;
    private bool _isDisposed;

    public override long Length => descriptor.Size;

    /// <summary>How many bytes have been given out.</summary>
    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Whether a mirror gave what there is, so that asking again goes elsewhere.</summary>
    public bool WasMirrored => endpoints[_endpoint].IsMirror;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (buffer.IsEmpty)
        {
            return 0;
        }

        while (true)
        {
            try
            {
                if (_body is null && _position == descriptor.Size && (_isVerified || descriptor.Size == 0))
                {
                    Verify();
                    return 0;
                }

                if (_body is null)
                {
                    await ConnectAsync(cancellationToken).ConfigureAwait(false);
                }

                var count = await FillAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (count > 0)
                {
                    Accept(buffer.Span[..count]);
                    return count;
                }

                Disconnect();
                if (_position < descriptor.Size)
                {
                    throw new IOException("The connection ended before the blob did.");
                }
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException)
            {
                await RecoverAsync(broken, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            Disconnect();
            _idle.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        var start = _rangesAreUseless ? 0 : _position;
        while (true)
        {
            try
            {
                _response = await ask(endpoints[_endpoint], start, cancellationToken).ConfigureAwait(false);
                break;
            }
            catch (ImageException) when (endpoints[_endpoint].IsMirror)
            {
                _endpoint++;
            }
        }

        if (start > 0 && _response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            _rangesAreUseless = true;
            throw new IOException("The registry does not continue the blob.");
        }

        // 206 with exactly the range asked for continues. 200 is the whole from the start, of which the part that is known is passed
        // over; the hash goes over what was given out, so a server that gives two different wholes is found out.
        var range = _response.Content.Headers.ContentRange;
        if (_response.StatusCode == HttpStatusCode.PartialContent && range?.From != start)
        {
            _rangesAreUseless = true;
            throw new IOException("The registry continues the blob at another place.");
        }

        if (_response.StatusCode == HttpStatusCode.PartialContent && range?.Length is { } length && length != descriptor.Size)
        {
            throw Wrong($"the registry says that it has {length} bytes");
        }

        _skip = _response.StatusCode == HttpStatusCode.PartialContent ? 0 : _position;
        if (_response.Content.Headers.ContentLength is { } announced && announced + _position - _skip > descriptor.Size)
        {
            throw Wrong($"the registry announces {announced + _position - _skip} bytes");
        }

        (_windowBytes, _windowTime) = (0, TimeSpan.Zero);
        _body = await _response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        if (_skip > 0)
        {
            var skipped = new byte[SkipBuffer];
            while (_skip > 0)
            {
                var count = await FillAsync(skipped.AsMemory(0, (int)Math.Min(_skip, SkipBuffer)), cancellationToken).ConfigureAwait(false);
                _skip -= count > 0 ? count : throw new IOException("The connection ended before the blob did.");
            }
        }
    }

    /// <summary>Reads what has arrived. A connection that brings nothing, or next to nothing, counts as broken; a slow reader does not.</summary>
    private async ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var pending = _body!.ReadAsync(buffer, _idle.Token);
        int count;
        if (pending.IsCompletedSuccessfully)
        {
            count = pending.Result;
        }
        else
        {
            var started = Stopwatch.GetTimestamp();
            _idle.CancelAfter(options.IdleTimeout);
            using var registration = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _idle);
            try
            {
                count = await pending.ConfigureAwait(false);
            }
            catch (OperationCanceledException silent) when (_idle.IsCancellationRequested)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new IOException($"Nothing came for {options.IdleTimeout.TotalSeconds:0.#} s.", silent);
            }

            _idle.CancelAfter(Timeout.InfiniteTimeSpan);
            _windowTime += Stopwatch.GetElapsedTime(started);
        }

        _windowBytes += count;
        if (_windowTime > options.IdleTimeout)
        {
            if (_windowBytes < options.MinimumProgress && count > 0 && _position + count < descriptor.Size)
            {
                // What came is dropped: it is asked for again on the next connection.
                throw new IOException($"Only {_windowBytes} bytes came in {_windowTime.TotalSeconds:0.#} s.");
            }

            (_windowBytes, _windowTime) = (0, TimeSpan.Zero);
        }

        return count;
    }

    private void Accept(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > descriptor.Size - _position)
        {
            throw Wrong("there is more of it");
        }

        if (_isWhole)
        {
            _hash.AppendData(bytes);
        }

        _position += bytes.Length;
        if (_position == descriptor.Size)
        {
            Verify();
        }
    }

    private void Verify()
    {
        if (_isVerified)
        {
            return;
        }

        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        hash = hash[.._hash.GetHashAndReset(hash)];
        var actual = hash.Length == SHA512.HashSizeInBytes ? Digest.FromSha512(hash) : Digest.FromSha256(hash);
        _isVerified = actual == _expected ? true : throw Wrong($"it has the digest {actual}");
    }

    private ImageException Wrong(string what)
    {
        Disconnect();
        if (endpoints[_endpoint].IsMirror)
        {
            distrust(endpoints[_endpoint]);
        }

        return new ImageException(Step, subject, $"{endpoints[_endpoint].Name} gave other content: {descriptor.Size} bytes are expected, but {what}.");
    }

    private async Task RecoverAsync(Exception broken, CancellationToken cancellationToken)
    {
        Disconnect();

        // Only connections that bring something keep it going, so that it ends in any case.
        _failures = _position - _lastFailureAt >= options.MinimumProgress ? 1 : _failures + 1;
        _lastFailureAt = _position;
        if (_failures > options.MaxRetries)
        {
            if (!endpoints[_endpoint].IsMirror)
            {
                throw new ImageException(Step, subject, $"{endpoints[_endpoint].Name} did not deliver it, of which {_position} of {descriptor.Size} bytes came: {broken.Message}", broken);
            }

            (_endpoint, _failures) = (_endpoint + 1, 0);
        }

        await Task.Delay(Backoff.Delay(options, Math.Max(0, _failures - 1)), cancellationToken).ConfigureAwait(false);
    }

    private void Disconnect()
    {
        _body?.Dispose();
        _response?.Dispose();
        (_body, _response) = (null, null);
        if (!_idle.TryReset())
        {
            _idle.Dispose();
            _idle = new CancellationTokenSource();
        }
    }
}
