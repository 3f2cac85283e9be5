using System.CommandLine;

namespace FastConsumer.Cli.Commands.Completion;

/// <summary><c>completion</c>: a script that makes a shell complete the tool's words, by asking the tool.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # fastconsumer completion bash > ~/.local/share/bash-completion/completions/fastconsumer
        _fastconsumer() {
            local words
            words=$(fastconsumer "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)
            COMPREPLY=($(compgen -W "${words}" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _fastconsumer fastconsumer
        """;

    private const string Zsh = """
        #compdef fastconsumer
        # fastconsumer completion zsh > a directory of $fpath/_fastconsumer
        _fastconsumer() {
            local -a words
            words=("${(@f)$(fastconsumer "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            compadd -- $words
        }
        if [ "$funcstack[1]" = "_fastconsumer" ]; then _fastconsumer; else compdef _fastconsumer fastconsumer; fi
        """;

    private const string PowerShell = """
        # fastconsumer completion pwsh >> $PROFILE
        Register-ArgumentCompleter -Native -CommandName fastconsumer -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            fastconsumer "[suggest:$cursorPosition]" "$commandAst" 2>$null | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    private const string Fish = """
        # fastconsumer completion fish > ~/.config/fish/completions/fastconsumer.fish
        complete -c fastconsumer -f -a '(fastconsumer "[suggest]" (commandline -cp) 2>/dev/null)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, pwsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "pwsh", "fish");
        var command = new Command("completion", "Prints a script for a shell, which then completes the tool's commands and "
            + "options.") { shell };
        command.SetAction(arguments => arguments.InvocationConfiguration.Output.WriteLine(arguments.GetValue(shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "pwsh" => PowerShell,
            _ => Fish,
        }));
        return command;
    }
}
