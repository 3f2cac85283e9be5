namespace FastConsumer.Cli;

/// <summary>What the tool ends with.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>The arguments are wrong, or what they ask for cannot be done; standard error says why.</summary>
    public const int Failure = 1;
}
