using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>completion</c>.</summary>
public sealed class CompletionTests
{
    private static readonly Dictionary<string, string?> s_environment = [];

    [Theory]
    [InlineData("fastconsumer st", "state stopped stream")]
    [InlineData("fastconsumer stream ", "create delete merge split")]
    [InlineData("fastconsumer dead-letters replay --prog", "--progress")]
    [InlineData("fastconsumer completion z", "zsh")]
    public async Task Words_are_suggested_at_the_end_of_a_line(string line, string words)
    {
        ToolRun run = await FleetTest.RunAsync(s_environment, $"[suggest:{line.Length}]", line);

        Assert.Equal(0, run.ExitCode);
        string[] suggested = run.Output.Split('\n');
        Assert.All(words.Split(' '), word => Assert.Contains(word, suggested));
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _fastconsumer fastconsumer")]
    [InlineData("zsh", "compdef _fastconsumer fastconsumer")]
    [InlineData("pwsh", "Register-ArgumentCompleter -Native -CommandName fastconsumer")]
    [InlineData("fish", "complete -c fastconsumer")]
    public async Task There_is_a_script_for_each_shell(string shell, string said)
    {
        ToolRun run = await FleetTest.RunAsync(s_environment, "completion", shell);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains(said, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shell_that_is_not_known_is_an_error_of_usage() =>
        Assert.Equal(2, (await FleetTest.RunAsync(s_environment, "completion", "tcsh")).ExitCode);

    [Fact]
    public async Task Bash_completes_by_its_script()
    {
        const string Script = """
            fastconsumer() { dotnet "$TOOL" "$@"; }
            source <(fastconsumer completion bash)
            COMP_LINE='fastconsumer lag --pro'; COMP_POINT=${#COMP_LINE}
            COMP_WORDS=(fastconsumer lag --pro); COMP_CWORD=2
            _fastconsumer
            echo "${COMPREPLY[@]}"
            """;
        List<string> output = [];
        await using ChildProcess bash = ChildProcess.Start(
            "bash",
            ["-c", Script],
            Path.GetTempPath(),
            new Dictionary<string, string?> { ["TOOL"] = Tool.Program },
            onOutputLine: output.Add);

        Assert.Equal(0, await Eventually.EndsAsync("bash ends", bash.Exited, () => bash.LastOutput));
        Assert.Equal(["--probe --profile"], output.Select(static line => string.Join(' ', line.Split(' ').Order(StringComparer.Ordinal))));
    }
}
