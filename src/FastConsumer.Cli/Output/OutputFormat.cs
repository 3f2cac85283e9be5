namespace FastConsumer.Cli.Output;

/// <summary>How a command shows what it has found.</summary>
internal enum OutputFormat
{
    /// <summary>A table for people.</summary>
    Table,

    /// <summary>The same with all columns.</summary>
    Wide,

    /// <summary>One line of JSON for programs: see docs/reference/tool.md for its shape.</summary>
    Json,
}
