namespace FastConsumer.Kinesis.Signing;

/// <summary>The text of the current second, for as many requests as fall into it.</summary>
internal sealed class SigningTime
{
    private Second? _current;

    /// <summary>The value of <c>X-Amz-Date</c>.</summary>
    public string Format(DateTimeOffset now)
    {
        long number = now.UtcTicks / TimeSpan.TicksPerSecond;
        Second? current = Volatile.Read(ref _current);
        if (current is null || current.Number != number)
        {
            current = new Second(number, RequestSigner.FormatTime(now));
            Volatile.Write(ref _current, current);
        }

        return current.Text;
    }

    private sealed record Second(long Number, string Text);
}
