using Amazon.Runtime;
using FastConsumer.Processors;

namespace FastConsumer.DynamoDb;

/// <summary>
/// The table of the positions cannot be used, or a transaction cannot be written. The message is complete: it names the table and the
/// endpoint, and what to do. <see cref="Exception.InnerException"/> is the AWS SDK's, where it said so.
/// </summary>
public sealed class DynamoDbPositionException : Exception, IUnrepeatable
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Names value and remedy.</param>
    /// <param name="isTransient">Whether the same call may succeed later.</param>
    /// <param name="innerException">What the SDK threw.</param>
    public DynamoDbPositionException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException)
    {
        IsTransient = isTransient;
        ErrorCode = (innerException as AmazonServiceException)?.ErrorCode;
    }

    /// <summary>Whether the same call may succeed later without anybody's help.</summary>
    public bool IsTransient { get; }

    /// <summary>DynamoDB's code of the error, such as <c>AccessDeniedException</c>; null where DynamoDB did not answer.</summary>
    public string? ErrorCode { get; }

    internal bool IsUnrepeatable { get; init; }

    bool IUnrepeatable.IsUnrepeatable => IsUnrepeatable;
}
