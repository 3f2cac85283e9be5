using System.Collections;
using System.Text;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Package.Tests.Feed;

/// <summary>
/// The <c>dotnet</c> command as a user runs it: nothing of the test run around it shows through, and no build server stays behind.
/// </summary>
internal static class Dotnet
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15);

    private static readonly Dictionary<string, string?> s_environment = CreateEnvironment();

    /// <exception cref="TimeoutException">It did not end in 15 minutes. It is killed; the message has its last lines.</exception>
    public static async Task<DotnetResult> RunAsync(string workingDirectory, params string[] arguments)
    {
        string command = $"dotnet {string.Join(' ', arguments)}";
        var output = new StringBuilder();
        void Add(string line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }

        await using var process = ChildProcess.Start("dotnet", arguments, workingDirectory, s_environment, Add, Add);
        process.Input.Close();
        int exitCode;
        try
        {
            exitCode = await process.Exited.WaitAsync(s_patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"'{command}' did not end in {s_patience}:{Environment.NewLine}{process.LastOutput}", e);
        }

        lock (output)
        {
            return new DotnetResult(command, exitCode, output.ToString());
        }
    }

    private static Dictionary<string, string?> CreateEnvironment()
    {
        Dictionary<string, string?> environment = [];
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            // what `dotnet test` and CI tell their children
            string name = (string)variable.Key;
            if (name is "CI" or "TF_BUILD" or "GITHUB_ACTIONS"
                || name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("XUNIT", StringComparison.OrdinalIgnoreCase))
            {
                environment[name] = null;
            }
        }

        environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        environment["DOTNET_NOLOGO"] = "1";
        environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        environment["DOTNET_ADD_GLOBAL_TOOLS_TO_PATH"] = "0";
        environment["MSBUILDDISABLENODEREUSE"] = "1";
        // MSBuild reads variables as properties
        environment["UseSharedCompilation"] = "false";
        return environment;
    }
}
