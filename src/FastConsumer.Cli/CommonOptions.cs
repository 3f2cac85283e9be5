using System.CommandLine;
using FastConsumer.Cli.Output;

namespace FastConsumer.Cli;

/// <summary>Options that many commands have.</summary>
internal static class CommonOptions
{
    public static Option<string> Output { get; } = CreateOutput();

    public static Option<bool> Json { get; } = new("--json") { Description = "The same as -o json." };

    public static Option<bool> Watch { get; } = new("--watch", "-w") { Description = "Shows it again each 5 seconds, until Ctrl+C." };

    public static Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Does it without asking." };

    public static Option<bool> DryRun { get; } = new("--dry-run") { Description = "Says what would be done, and does nothing." };

    public static Option<string?> By { get; } = new("--by")
    {
        Description = "Who does it, at most 64 bytes: for the log and the lease's row. Default: user@machine.",
        HelpName = "name",
    };

    public static Option<string?> Reason { get; } = new("--reason")
    {
        Description = "Why, at most 128 bytes: for the log and the lease's row.",
        HelpName = "text",
    };

    public static Option<string?> Shard { get; } = new("--shard") { Description = "The shard's id.", HelpName = "shard" };

    public static OutputFormat FormatOf(ParseResult arguments) => arguments.GetValue(Json)
        ? OutputFormat.Json
        : arguments.GetValue(Output) switch
        {
            "json" => OutputFormat.Json,
            "wide" => OutputFormat.Wide,
            _ => OutputFormat.Table,
        };

    /// <summary>Who does it.</summary>
    public static string ByOf(ParseResult arguments) =>
        arguments.GetValue(By) is { Length: > 0 } by ? by : $"{Environment.UserName}@{Environment.MachineName}";

    private static Option<string> CreateOutput()
    {
        var option = new Option<string>("--output", "-o")
        {
            Description = "table, wide or json.",
            HelpName = "format",
            DefaultValueFactory = static _ => "table",
        };
        option.AcceptOnlyFromAmong("table", "wide", "json");
        return option;
    }
}
