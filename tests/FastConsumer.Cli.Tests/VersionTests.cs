using System.Runtime.InteropServices;

namespace FastConsumer.Cli.Tests;

public sealed class VersionTests
{
    [Fact]
    public async Task The_option_prints_the_version_alone()
    {
        await using var tool = Tool.Start("--version");

        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Matches(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$", tool.Output);
    }

    [Fact]
    public async Task The_command_prints_the_runtime_too()
    {
        await using var tool = Tool.Start("version");

        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Matches(@"^fastconsumer \d+\.\d+\.\d+", tool.Output);
        Assert.Contains(
            $"{RuntimeInformation.FrameworkDescription} ({RuntimeInformation.RuntimeIdentifier})", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_calls_the_tool_by_its_command()
    {
        await using var tool = Tool.Start("emulator", "--help");

        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Contains("fastconsumer emulator [options]", tool.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lags")]
    [InlineData("emulater")]
    [InlineData("h")]
    public async Task A_word_that_is_no_command_is_answered_with_the_commands(string word)
    {
        await using var tool = Tool.Start(word, "--table", "orders");

        Assert.NotEqual(0, await tool.ExitCodeAsync());
        Assert.Contains($"'{word}' is not a command of fastconsumer", tool.Errors, StringComparison.Ordinal);
        Assert.Contains("emulator", tool.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("-h\n", tool.Errors + "\n", StringComparison.Ordinal);
        Assert.DoesNotContain("Did you mean", tool.Errors, StringComparison.OrdinalIgnoreCase);
    }
}
