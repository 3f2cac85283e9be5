using Microsoft.Extensions.Logging;

namespace FastConsumer.S3;

/// <summary>The log messages of this package; ids from 4100.</summary>
internal static partial class S3CheckpointLog
{
    [LoggerMessage(
        4100,
        LogLevel.Warning,
        "An incomplete upload of {Resource} could not be aborted; the bucket's life cycle should remove it. {Reason}")]
    public static partial void UploadNotAborted(ILogger logger, string resource, string reason);

    [LoggerMessage(4101, LogLevel.Warning, "The object {Resource}, written to try the bucket at start, could not be deleted. {Reason}")]
    public static partial void ProbeNotDeleted(ILogger logger, string resource, string reason);
}
