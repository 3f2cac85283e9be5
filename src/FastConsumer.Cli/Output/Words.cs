using System.Globalization;

namespace FastConsumer.Cli.Output;

/// <summary>Figures as people read them. What is not known is "-".</summary>
internal static class Words
{
    public const string Unknown = "-";

    public static string Of(TimeSpan? time) => time is not { } known ? Unknown
        : known < TimeSpan.FromSeconds(10) ? Text($"{known.TotalSeconds:0.0} s")
        : known < TimeSpan.FromMinutes(2) ? Text($"{known.TotalSeconds:0} s")
        : known < TimeSpan.FromHours(2) ? Text($"{known.TotalMinutes:0} min")
        : known < TimeSpan.FromDays(2) ? Text($"{known.TotalHours:0.0} h")
        : Text($"{known.TotalDays:0.0} d");

    public static string Of(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? Unknown;

    public static string Percent(double? part) => part is { } known ? Text($"{100 * known:0.#} %") : Unknown;

    public static string Rate(double? perSecond) => perSecond is { } known ? Text($"{known:0.#}") : Unknown;

    public static string Bytes(double? bytes) => bytes is not { } known ? Unknown
        : known < 1024 ? Text($"{known:0} B")
        : known < 1024 * 1024 ? Text($"{known / 1024:0.#} KiB")
        : Text($"{known / (1024 * 1024):0.##} MiB");

    public static string Of(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
