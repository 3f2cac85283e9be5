using System.Globalization;
using System.Text.RegularExpressions;

namespace FastConsumer.Cli;

/// <summary>Times and durations as people write them.</summary>
internal static partial class Times
{
    /// <summary>A duration such as 90s, 15m, 2h or 7d; null where it is none.</summary>
    public static TimeSpan? ParseDuration(string text)
    {
        Match match = DurationPattern().Match(text);
        if (!match.Success
            || !long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            || number > 100_000_000)
        {
            return null;
        }

        return match.Groups[2].Value switch
        {
            "s" => TimeSpan.FromSeconds(number),
            "m" => TimeSpan.FromMinutes(number),
            "h" => TimeSpan.FromHours(number),
            _ => TimeSpan.FromDays(Math.Min(number, 36_500)),
        };
    }

    /// <summary>A time with its offset, or a duration from now: back, or ahead.</summary>
    /// <exception cref="ToolException">It is neither.</exception>
    public static DateTimeOffset Parse(string option, string text, DateTimeOffset now, bool isAhead) =>
        TryParse(text, now, isAhead) ?? throw ToolException.Usage(
            $"{option} '{text}' is no time. Write it with its offset, such as 2026-01-31T12:00:00Z, or as a duration, such as "
                + $"{(isAhead ? "30m or 2h" : "-15m or -2h")}.");

    /// <inheritdoc cref="Parse"/>
    /// <returns>Null where it is neither.</returns>
    public static DateTimeOffset? TryParse(string text, DateTimeOffset now, bool isAhead)
    {
        if (ParseDuration(text.TrimStart('-', '+')) is { } duration && text.StartsWith('-') != isAhead)
        {
            return isAhead ? now + duration : now - duration;
        }

        return OffsetPattern().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset time)
                ? time
                : null;
    }

    [GeneratedRegex(@"^(\d{1,9})([smhd])$", RegexOptions.CultureInvariant)]
    private static partial Regex DurationPattern();

    // without an offset a time would be taken in this machine's zone
    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$", RegexOptions.CultureInvariant)]
    private static partial Regex OffsetPattern();
}
