using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>
/// Which encoding the client speaks. Where CBOR was not understood it is JSON for a while, and then CBOR again: one broken answer, or a
/// proxy's refusal, says nothing of the next hour. Where it is not understood again, the while doubles. Safe for any number of threads.
/// </summary>
internal sealed class WireFormatChoice(KinesisProtocol protocol, TimeProvider time)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private volatile bool _isJson = protocol == KinesisProtocol.Json;
    private TimeSpan _lasts = s_first;
    private long _since;

    /// <summary>The encoding of the next request.</summary>
    public WireFormat Current
    {
        get
        {
            if (_isJson && protocol == KinesisProtocol.Auto)
            {
                lock (_lock)
                {
                    if (_isJson && time.GetElapsedTime(_since) >= _lasts)
                    {
                        _isJson = false;
                        _lasts = 2 * _lasts < s_longest ? 2 * _lasts : s_longest;
                    }
                }
            }

            return _isJson ? WireFormat.Json : WireFormat.Cbor;
        }
    }

    /// <summary>A request in CBOR was not understood, or its answer not readable: true where it may be sent again in JSON.</summary>
    /// <param name="changed">For how long JSON is spoken from now on; null where it was spoken already.</param>
    public bool TryFallBack(out TimeSpan? changed)
    {
        changed = null;
        if (protocol != KinesisProtocol.Auto)
        {
            return false;
        }

        lock (_lock)
        {
            if (!_isJson)
            {
                _isJson = true;
                _since = time.GetTimestamp();
                changed = _lasts;
            }
        }

        return true;
    }

    /// <summary>The same request was not understood in JSON either: the encoding was not the reason.</summary>
    public void Refute()
    {
        lock (_lock)
        {
            _isJson = false;
        }
    }

    /// <summary>CBOR was understood: what failed before was an exception.</summary>
    public void Understood()
    {
        if (_lasts != s_first && !_isJson)
        {
            lock (_lock)
            {
                _lasts = s_first;
            }
        }
    }
}
