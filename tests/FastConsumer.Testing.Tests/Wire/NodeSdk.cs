using System.Text;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Testing.Tests.Wire;

/// <summary>Runs the scripts in <c>node/</c> on the AWS SDK for JavaScript that the integration tests install.</summary>
internal static class NodeSdk
{
    /// <summary>Runs a script with the packages' folder and further arguments; what it prints.</summary>
    public static async Task<string> RunAsync(
        string script,
        string[] arguments,
        CancellationToken cancellationToken,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        NodePackages packages = await NodePackages.GetAsync(cancellationToken);
        var output = new StringBuilder();
        await using ChildProcess node = ChildProcess.Start(
            "node",
            [Path.Combine(AppContext.BaseDirectory, "node", script), packages.Root, .. arguments],
            packages.Root,
            environment,
            onOutputLine: line => output.AppendLine(line));
        node.Input.Close();
        int exitCode = await node.Exited.WaitAsync(cancellationToken);
        return exitCode == 0
            ? output.ToString()
            : throw new InvalidOperationException(
                $"'node {script} {string.Join(' ', arguments)}' ended with {exitCode}:\n{node.LastOutput}");
    }
}
