using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>A call of the user's code that has not returned for long.</summary>
/// <param name="Method">What was called.</param>
/// <param name="Position">Its record; null where it has none.</param>
/// <param name="Running">How long it has run, as far as was seen.</param>
/// <param name="IsNew">True where it was not said before.</param>
internal sealed record HungCall(string Method, CheckpointPosition? Position, TimeSpan Running, bool IsNew);

/// <summary>
/// The call of the user's code that one lane waits for. The lane says when it enters and leaves such code, once a page; a watch looks now
/// and then whether the lane still stands on the same record. So a record costs nothing.
/// </summary>
internal sealed class CallWatch
{
    private static readonly TimeSpan s_lately = TimeSpan.FromSeconds(30);

    private volatile string? _method;
    private volatile RecordCursor? _cursor;
    private volatile object? _position;
    private long _number;

    // the watch's own
    private (long Number, RecordPage? Page, int Index, int Attempt) _seen;
    private long _seenAt;
    private long _longest;
    private long _longestAt;
    private HungCall? _told;

    /// <summary>The lane calls something.</summary>
    /// <param name="method">What, for people.</param>
    /// <param name="cursor">What walks through the records meanwhile; null for one call.</param>
    /// <param name="position">The record of one call, a <see cref="CheckpointPosition"/>.</param>
    public void Enter(string method, RecordCursor? cursor = null, object? position = null)
    {
        _cursor = cursor;
        _position = position;
        Interlocked.Increment(ref _number);
        _method = method;
    }

    /// <summary>It has returned.</summary>
    public void Leave() => _method = null;

    /// <summary>The longest that a call was seen to run within the last half minute, to the time between two looks.</summary>
    public TimeSpan LongestLately(TimeProvider time) =>
        time.GetElapsedTime(Volatile.Read(ref _longestAt)) < s_lately ? new TimeSpan(Volatile.Read(ref _longest)) : TimeSpan.Zero;

    /// <summary>Looks whether the lane stands where it stood. One caller at a time.</summary>
    /// <param name="longest">How long a call may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="returned">A call that hung and has returned now, with its whole time.</param>
    /// <returns>A call that hangs.</returns>
    public HungCall? Look(TimeSpan longest, TimeProvider time, out HungCall? returned)
    {
        returned = null;
        string? method = _method;
        RecordCursor? cursor = _cursor;
        object? position = _position;
        (long, RecordPage?, int, int) now = method is null ? default : (Interlocked.Read(ref _number), cursor?.Page, cursor?.Index ?? 0,
            cursor?.Attempt ?? 0);
        if (method is null || now != _seen)
        {
            returned = _told is null ? null : _told with { Running = time.GetElapsedTime(_seenAt) };
            _told = null;
            _seen = now;
            _seenAt = time.GetTimestamp();
            return null;
        }

        TimeSpan running = time.GetElapsedTime(_seenAt);
        if (running >= LongestLately(time))
        {
            Volatile.Write(ref _longest, running.Ticks);
            Volatile.Write(ref _longestAt, time.GetTimestamp());
        }

        if (running < longest)
        {
            return null;
        }

        return _told = new HungCall(method, _told?.Position ?? PositionOf(now, position), running, IsNew: _told is null);
    }

    private static CheckpointPosition? PositionOf((long Number, RecordPage? Page, int Index, int Attempt) seen, object? position)
    {
        if (seen.Page is null)
        {
            return (CheckpointPosition?)position;
        }

        try
        {
            return seen.Index < seen.Page.Count ? seen.Page.PositionOf(seen.Index) : null;
        }
        catch (Exception e) when (e is ObjectDisposedException or IndexOutOfRangeException or FormatException)
        {
            // it has returned at this moment, and its page too
            return null;
        }
    }
}
