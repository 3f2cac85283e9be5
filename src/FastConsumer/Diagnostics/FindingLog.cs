using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What the findings say.</summary>
internal static partial class FindingLog
{
    [LoggerMessage(2600, LogLevel.Warning, "{Finding} {Title} ({Scope}). {Message} See {Page}.")]
    public static partial void Raised(ILogger log, string finding, string title, string scope, string message, string page);

    [LoggerMessage(2601, LogLevel.Information, "{Finding} is over: {Title} ({Scope}). It lasted for {Lasted}, and began {Episodes} times.")]
    public static partial void Cleared(ILogger log, string finding, string title, string scope, TimeSpan lasted, int episodes);

    [LoggerMessage(2602, LogLevel.Warning, "{Finding} has lasted for {Lasted}: {Title} ({Scope}). {Message}")]
    public static partial void Lasts(ILogger log, string finding, string title, string scope, TimeSpan lasted, string message);

    [LoggerMessage(2603, LogLevel.Warning, "{Finding} {Title}: {Count} more.")]
    public static partial void More(ILogger log, string finding, string title, int count);

    [LoggerMessage(2604, LogLevel.Information, "{Finding} {Title} ({Scope}). {Message} See {Page}.")]
    public static partial void RaisedInformation(ILogger log, string finding, string title, string scope, string message, string page);
}
