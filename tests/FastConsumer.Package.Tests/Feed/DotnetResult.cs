namespace FastConsumer.Package.Tests.Feed;

/// <summary>How a <c>dotnet</c> command ended, with both its outputs.</summary>
internal sealed record DotnetResult(string Command, int ExitCode, string Output)
{
    public DotnetResult MustSucceed() => ExitCode == 0
        ? this
        : throw new InvalidOperationException($"'{Command}' ended with exit code {ExitCode}:{Environment.NewLine}{Output}");
}
