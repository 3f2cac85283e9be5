using System.Reflection;
using Aspire.Hosting;

namespace FastConsumer.Aspire;

/// <summary>How the program of the emulator is started: a command, and what stands before the emulator's own arguments.</summary>
internal sealed record EmulatorLaunch(string Command, IReadOnlyList<string> Arguments)
{
    public const string Dotnet = "dotnet";

    private const string ToolPackage = "FastConsumer.Cli";

    /// <summary>The version of this package, for which there is a tool of the same version.</summary>
    public static string OwnVersion { get; } = typeof(EmulatorLaunch).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>The tool out of NuGet's cache, which the .NET SDK fills where it is not there yet. Nothing has to be installed.</summary>
    public static EmulatorLaunch Package(string version) =>
        new(Dotnet, ["tool", "exec", ToolPackage, "--version", version, "--yes", "--"]);

    /// <summary>A program that is there already.</summary>
    /// <param name="program">A path, or a name to look for as a shell does.</param>
    /// <param name="folder">What a path is relative to.</param>
    public static EmulatorLaunch Program(string program, string folder)
    {
        string path = IsBareName(program) ? Find(program) ?? program : Path.GetFullPath(program, folder);
        return program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? new(Dotnet, [path]) : new(path, []);
    }

    /// <summary>Says what to do where the program is not there, before the attempt to start it says only that it failed.</summary>
    /// <exception cref="DistributedApplicationException">The program is not there.</exception>
    public void RequireProgram(string resource)
    {
        if (IsBareName(Command) && Find(Command) is null)
        {
            throw new DistributedApplicationException(
                Command == Dotnet
                    ? $"'{resource}' cannot start: '{Dotnet}' is not on the PATH. It needs the .NET 10 SDK there; or name the program "
                        + "of the emulator with WithTool(path)."
                    : $"'{resource}' cannot start: '{Command}' is neither on the PATH nor among the tools of {ToolsFolder}. Install it "
                        + $"with 'dotnet tool install --global {ToolPackage}', or leave WithTool out, which takes it from NuGet.");
        }

        string? file = IsBareName(Command) ? Arguments.FirstOrDefault(Path.IsPathRooted) : Command;
        if (file is not null && !File.Exists(file))
        {
            throw new DistributedApplicationException(
                $"'{resource}' cannot start: there is no file '{file}'. WithTool names the program of the package {ToolPackage}; leave it "
                    + "out to take it from NuGet.");
        }
    }

    private static string ToolsFolder =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet", "tools");

    private static bool IsBareName(string program) =>
        Path.GetFileName(program) == program && !program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);

    private static string? Find(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd", ""] : [""];
        string[] folders =
        [
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            ToolsFolder,
        ];
        return folders
            .SelectMany(folder => endings.Select(ending => Path.Combine(folder, name + ending)))
            .FirstOrDefault(File.Exists);
    }
}
