using System.Globalization;
using System.Text;
using FastConsumer.Diagnostics;

namespace FastConsumer.Operators;

/// <summary>
/// How a shard stands, as its owner says in the lease's row (fastConsumerReport), so that every worker and the tool can show the whole
/// fleet. It is written with writes that happen anyway, and is at most 160 bytes long.
/// </summary>
internal sealed record ShardReport
{
    /// <summary>The longest text.</summary>
    public const int MostBytes = 160;

    private const char Version = '1';
    private const int Fields = 9;
    private const string Unknown = "-";
    private const string IdPrefix = "FCF";

    /// <summary>When it stood so, in whole seconds, by the service's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The age of the oldest record that is not done; null where it is not known.</summary>
    public TimeSpan? Lag { get; init; }

    /// <summary>When the first record is lost to the retention if the lag goes on growing; null where it does not grow.</summary>
    public TimeSpan? LossIn { get; init; }

    /// <summary>Records done in a second, of the last minute.</summary>
    public double RecordsPerSecond { get; init; }

    /// <summary>Bytes read in a second, of the last minute.</summary>
    public double BytesPerSecond { get; init; }

    /// <summary>The part of the last minute in which the shard waited for its handler, from 0 to 1.</summary>
    public double Handling { get; init; }

    /// <summary>What its reader did or waited for.</summary>
    public ShardState State { get; init; }

    /// <summary>The ids of the findings that hold for the shard, the worst first; those that do not fit are left out.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>The text of a row.</summary>
    public string Write()
    {
        var text = new StringBuilder(MostBytes);
        text.Append(CultureInfo.InvariantCulture, $"{Version}|{At.ToUnixTimeSeconds()}|{Seconds(Lag)}|{Seconds(LossIn)}|")
            .Append(CultureInfo.InvariantCulture, $"{Math.Round(RecordsPerSecond, 1)}|{Math.Round(BytesPerSecond)}|")
            .Append(CultureInfo.InvariantCulture, $"{Math.Round(Handling * 100)}|{State}|");
        int length = text.Length;
        foreach (string id in Findings)
        {
            string digits = id.StartsWith(IdPrefix, StringComparison.Ordinal) ? id[IdPrefix.Length..] : id;
            if (text.Length + digits.Length + 1 > MostBytes)
            {
                break;
            }

            text.Append(text.Length > length ? "," : "").Append(digits);
        }

        return text.ToString();
    }

    /// <summary>Reads the text of a row; null where there is none, or it is of a later version, or was written by hand.</summary>
    public static ShardReport? Read(string? text)
    {
        string[] fields = text?.Split('|') ?? [];
        if (fields.Length < Fields
            || fields[0] is not [Version]
            || !TryNumber(fields[1], out double at) || at is < 0 or > 253402300799
            || !TrySeconds(fields[2], out TimeSpan? lag)
            || !TrySeconds(fields[3], out TimeSpan? lossIn)
            || !TryNumber(fields[4], out double records)
            || !TryNumber(fields[5], out double bytes)
            || !TryNumber(fields[6], out double handling)
            || !Enum.TryParse(fields[7], out ShardState state) || !Enum.IsDefined(state))
        {
            return null;
        }

        return new ShardReport
        {
            At = DateTimeOffset.FromUnixTimeSeconds((long)at),
            Lag = lag,
            LossIn = lossIn,
            RecordsPerSecond = records,
            BytesPerSecond = bytes,
            Handling = handling / 100,
            State = state,
            Findings = [.. fields[8].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static digits => IdPrefix + digits)],
        };
    }

    private static string Seconds(TimeSpan? time) =>
        time is { } known ? Math.Round(known.TotalSeconds, 1).ToString(CultureInfo.InvariantCulture) : Unknown;

    private static bool TrySeconds(string text, out TimeSpan? time)
    {
        time = null;
        if (text == Unknown)
        {
            return true;
        }

        bool isNumber = TryNumber(text, out double seconds) && seconds >= 0 && seconds < TimeSpan.MaxValue.TotalSeconds / 2;
        time = isNumber ? TimeSpan.FromSeconds(seconds) : null;
        return isNumber;
    }

    private static bool TryNumber(string text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
}
