using System.CommandLine;

namespace FastConsumer.Cli.Commands;

/// <summary>
/// Says of a word that is no command which commands there are. System.CommandLine suggests what is spelt alike, which may be an option of one
/// letter.
/// </summary>
internal static class UnknownCommand
{
    /// <summary>The complaint; null where the first word is a command, or is none of the tool's words but an option.</summary>
    public static string? Describe(Command root, ParseResult arguments)
    {
        if (arguments.CommandResult.Command != root || arguments.Tokens.Count == 0 || arguments.Tokens[0].Value.StartsWith('-'))
        {
            return null;
        }

        IEnumerable<string> commands = root.Subcommands.Select(static command => $"  {command.Name,-12}{command.Description}");
        return $"'{arguments.Tokens[0].Value}' is not a command of fastconsumer {ToolVersion.Text}. The commands are:{Environment.NewLine}"
            + $"{string.Join(Environment.NewLine, commands)}{Environment.NewLine}'fastconsumer <command> --help' lists the options of one.";
    }
}
