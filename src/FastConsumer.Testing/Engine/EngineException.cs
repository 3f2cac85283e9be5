namespace FastConsumer.Testing.Engine;

/// <summary>A refusal as the service words it: an error code, a message and an HTTP status.</summary>
internal sealed class EngineException(string errorCode, string message, int status = 400) : Exception(message)
{
    public string ErrorCode { get; } = errorCode;

    public int Status { get; } = status;

    public static EngineException Validation(string value, string member, string constraint) =>
        new(
            "ValidationException",
            $"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}");

    public static EngineException Missing(string member) =>
        new(
            "ValidationException",
            $"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null");

    public static EngineException InvalidArgument(string message) => new("InvalidArgumentException", message);

    /// <summary>What answers a request of which only the checks were wanted, when all of them have passed.</summary>
    public static EngineException DryRun(string operation) =>
        new("DryRunOperationException", $"{operation} would have succeeded: nothing was done, because DryRun is set.");

    public static EngineException NotFound(string message) => new("ResourceNotFoundException", message);

    public static EngineException InUse(string message) => new("ResourceInUseException", message);

    public static EngineException ThroughputExceeded(string message) => new("ProvisionedThroughputExceededException", message);

    public static EngineException LimitExceeded(string message) => new("LimitExceededException", message);
}
