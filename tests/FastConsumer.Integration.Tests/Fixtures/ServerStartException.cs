namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A server did not come up; the message ends with what it wrote last.</summary>
public sealed class ServerStartException : Exception
{
    public ServerStartException(string message, string lastOutput, Exception? innerException = null)
        : base($"{message} Its last output:{Environment.NewLine}{lastOutput}", innerException) => LastOutput = lastOutput;

    /// <summary>The last lines the server wrote.</summary>
    public string LastOutput { get; }
}
