namespace FastConsumer.Package.Tests.Feed;

/// <summary>How a <c>dotnet</c> command ended, with both its outputs.</summary>
internal sealed record DotnetResult(string Command, int ExitCode, string Output)
{
    public DotnetResult MustSucceed() => ExitCode == 0
        ? this
        : throw new InvalidOperationException($"'{Command}' ended with exit code {ExitCode}:{Environment.NewLine}{Output}");

    /// <summary>Neither MSBuild's warnings nor those of the trimmer and the native compiler, which have a form of their own.</summary>
    public DotnetResult MustNotWarn() => Output.Contains(" warning ", StringComparison.Ordinal)
        ? throw new InvalidOperationException($"'{Command}' warns:{Environment.NewLine}{Output}")
        : this;
}
