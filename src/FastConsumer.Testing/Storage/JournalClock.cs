namespace FastConsumer.Testing.Storage;

/// <summary>
/// The engine's clock where changes are written down. A change sees one time from its beginning to its end, the one that is written,
/// so that it can be repeated exactly; and time does not go back, not over a restart either.
/// </summary>
internal sealed class JournalClock(TimeProvider inner) : TimeProvider
{
    [ThreadStatic]
    private static JournalClock? s_frozen;

    [ThreadStatic]
    private static long s_frozenMs;

    private long _latestMs;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public override DateTimeOffset GetUtcNow()
    {
        if (s_frozen == this)
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(s_frozenMs);
        }

        DateTimeOffset now = inner.GetUtcNow();
        long latestMs = Volatile.Read(ref _latestMs);
        return now.ToUnixTimeMilliseconds() >= latestMs ? now : DateTimeOffset.FromUnixTimeMilliseconds(latestMs);
    }

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);

    /// <summary>Stops the time of this thread, now or at a time that was written down; the caller holds the journal's lock.</summary>
    public long Freeze(long? atMs = null)
    {
        s_frozenMs = atMs ?? GetUtcNow().ToUnixTimeMilliseconds();
        s_frozen = this;
        Volatile.Write(ref _latestMs, Math.Max(_latestMs, s_frozenMs));
        return s_frozenMs;
    }

    public static void Thaw() => s_frozen = null;
}
