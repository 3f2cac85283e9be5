using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What becomes of options that change while a consumer runs.</summary>
internal static partial class ReloadLog
{
    [LoggerMessage(2620, LogLevel.Information, "{Key} has changed: it was {Old} and is {New} from now on.")]
    public static partial void Changed(ILogger log, string key, string old, string @new);

    [LoggerMessage(2621, LogLevel.Warning, "{Key} has changed and needs a restart: the value of the last start stays until then.")]
    public static partial void NeedsRestart(ILogger log, string key);

    [LoggerMessage(2622, LogLevel.Error,
        "The changed configuration of {Consumer} is refused; all options stay as they are until it is corrected. {Refusal}")]
    public static partial void Refused(ILogger log, string consumer, string refusal);

    [LoggerMessage(2623, LogLevel.Information, "{Processor} reads its shards anew, one after the other, with the changed options.")]
    public static partial void RestartsRuns(ILogger log, string processor);

    [LoggerMessage(2624, LogLevel.Information, "{Processor} reads all of its shards with the changed options.")]
    public static partial void RunsRestarted(ILogger log, string processor);

    [LoggerMessage(2625, LogLevel.Error,
        "A change of the options of {Consumer} could not be carried through. The consumer goes on, and the next change is tried.")]
    public static partial void Failed(ILogger log, string consumer, Exception error);
}
