using System.Diagnostics;
using System.Security.Cryptography;

namespace FastConsumer.Testing.Tests.Wire;

/// <summary>
/// The AWS SDK for JavaScript that <c>node/package-lock.json</c> pins, installed once per lock file under
/// <c>artifacts/npm</c>, and the scripts in <c>node/</c> that run on it.
/// </summary>
internal sealed class NodeSdk
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly string _packages;

    private NodeSdk(string packages) => _packages = packages;

    private static string Scripts => Path.Combine(AppContext.BaseDirectory, "node");

    public static async Task<NodeSdk> InstallAsync(CancellationToken cancellationToken)
    {
        string packages = Path.Combine(Repository(), "artifacts", "npm", LockHash());
        Directory.CreateDirectory(Path.GetDirectoryName(packages)!);
        // Another test process may be at it. A folder of the final name is always a finished one.
        await using FileStream only = await LockAsync(packages + ".lock", cancellationToken);
        if (!Directory.Exists(packages))
        {
            string partial = packages + ".partial";
            if (Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }

            Directory.CreateDirectory(partial);
            foreach (string name in (string[])["package.json", "package-lock.json"])
            {
                File.Copy(Path.Combine(Scripts, name), Path.Combine(partial, name));
            }

            await RunAsync(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], partial, cancellationToken);
            Directory.Move(partial, packages);
        }

        return new NodeSdk(packages);
    }

    /// <summary>Runs a script with the packages' folder and further arguments; what it prints.</summary>
    public Task<string> RunAsync(string script, string[] arguments, CancellationToken cancellationToken) =>
        RunAsync("node", [Path.Combine(Scripts, script), _packages, .. arguments], _packages, cancellationToken);

    private static async Task<string> RunAsync(string program, string[] arguments, string folder, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)
            ?? throw new InvalidOperationException($"'{program}' did not start: these tests need Node.js 20 or later with npm on the PATH.");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' ended with {process.ExitCode}:\n{await output}\n{await errors}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), patience.Token);
            }
        }
    }

    private static string LockHash()
    {
        byte[] hash = SHA256.HashData(File.ReadAllBytes(Path.Combine(Scripts, "package-lock.json")));
        return Convert.ToHexStringLower(hash)[..16];
    }

    private static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FastConsumer.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above '{AppContext.BaseDirectory}' has FastConsumer.sln.");
    }
}
