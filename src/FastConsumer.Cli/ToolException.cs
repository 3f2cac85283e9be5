namespace FastConsumer.Cli;

/// <summary>Ends a command with one line that names what is wrong and the remedy.</summary>
/// <param name="exitCode">What the tool ends with.</param>
/// <param name="message">The line.</param>
internal sealed class ToolException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>Arguments that make no sense.</summary>
    public static ToolException Usage(string message) => new(ExitCodes.Usage, message);

    /// <summary>A condition forbids it.</summary>
    public static ToolException Refused(string message) => new(ExitCodes.Refused, message);
}
