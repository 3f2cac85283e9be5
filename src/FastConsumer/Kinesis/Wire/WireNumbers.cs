namespace FastConsumer.Kinesis.Wire;

/// <summary>Numbers of the wire, checked against what they may mean.</summary>
internal static class WireNumbers
{
    /// <summary>Floating-point timestamps below this are seconds: as milliseconds they would lie before 1974.</summary>
    public const double LeastFloatMilliseconds = 1e11;

    private static readonly long s_first = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long s_last = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static long ToInteger(double value)
    {
        // the cast is exact inside, and NaN fails both comparisons
        if (value is >= -9.2e18 and <= 9.2e18 && Math.Floor(value) == value)
        {
            return (long)value;
        }

        throw new WireFormatException("A number that should be an integer is not one of 64 bits.");
    }

    /// <summary>Rounds milliseconds: what was written in seconds rarely comes back as a whole number.</summary>
    public static long ToTimestamp(double milliseconds)
    {
        if (milliseconds >= s_first && milliseconds <= s_last)
        {
            return (long)Math.Round(milliseconds, MidpointRounding.AwayFromZero);
        }

        throw BadTimestamp();
    }

    public static long CheckTimestamp(long milliseconds) =>
        milliseconds >= s_first && milliseconds <= s_last ? milliseconds : throw BadTimestamp();

    private static WireFormatException BadTimestamp() => new("A timestamp lies outside the years 1 to 9999.");
}
