using System.Collections.Concurrent;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>The sample of findings and of an operator's decision, as its first user runs it.</summary>
public sealed class OperationsTests
{
    /// <summary>
    /// A finding that is sampled is over when it was not seen for a minute: the sample takes a minute and a half, and gives up after 210 s.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly ConcurrentQueue<string> _output = new();

    [Fact]
    public async Task Findings_come_and_go_and_the_record_that_was_decided_about_is_the_only_one_left_out()
    {
        await using var program = ChildProcess.Start(
            "node",
            [NodePackages.Script("guard.cjs"), "dotnet", ProgramFiles.Operations, "--json"],
            Path.GetTempPath(),
            onOutputLine: _output.Enqueue);

        int exitCode = await Eventually.EndsAsync("the sample ends", program.Exited, () => program.LastOutput, s_patience);

        Assert.True(exitCode == 0, program.LastOutput);
        using var summary = JsonDocument.Parse(_output.Last());
        var root = summary.RootElement;
        Assert.Equal(["raised", "cleared", "decided", "lost"], root.EnumerateObject().Select(property => property.Name));
        string[] raised = Ids(root, "raised");
        string[] cleared = Ids(root, "cleared");
        Assert.Equal(raised.Distinct().Order(StringComparer.Ordinal), raised);
        Assert.Subset(raised.ToHashSet(), cleared.ToHashSet());
        Assert.Subset(cleared.ToHashSet(), new HashSet<string> { "FCF1005", "FCF3001", "FCF4005" });
        Assert.Equal(1, root.GetProperty("decided").GetInt32());
        Assert.Equal(0, root.GetProperty("lost").GetInt32());

        // a line for each that came, with what was found
        Assert.All(raised, id => Assert.Contains(_output, line => line.Contains($"+ {id} ", StringComparison.Ordinal)));
        Assert.All(cleared, id => Assert.Contains(_output, line => line.Contains($"- {id} ", StringComparison.Ordinal)));
        Assert.Contains(_output, line => line.Contains("left out by on-call", StringComparison.Ordinal));
    }

    private static string[] Ids(JsonElement summary, string name) =>
        [.. summary.GetProperty(name).EnumerateArray().Select(id => id.GetString()!)];
}
