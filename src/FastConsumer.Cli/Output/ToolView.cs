using Spectre.Console;

namespace FastConsumer.Cli.Output;

/// <summary>What a command has found, for people and for programs.</summary>
/// <param name="WriteText">Writes it for people; true for all columns.</param>
/// <param name="Json">The document, one line.</param>
/// <param name="ExitCode">What the tool ends with.</param>
internal sealed record ToolView(Action<IAnsiConsole, bool> WriteText, Func<string> Json, int ExitCode = ExitCodes.Success);
