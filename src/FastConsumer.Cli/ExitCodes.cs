namespace FastConsumer.Cli;

/// <summary>What the tool ends with.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>It could not be done; standard error says why.</summary>
    public const int Failure = 1;

    /// <summary>The arguments are wrong.</summary>
    public const int Usage = 2;

    /// <summary><c>findings</c> and <c>doctor</c> have found something.</summary>
    public const int Findings = 3;

    /// <summary>A condition forbids the change, or nobody has confirmed it: nothing was changed, or what was is said.</summary>
    public const int Refused = 4;

    /// <summary>Ctrl+C or SIGTERM came in the midst of it.</summary>
    public const int Interrupted = 130;
}
