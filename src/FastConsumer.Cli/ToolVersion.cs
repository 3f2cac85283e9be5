using System.Reflection;

namespace FastConsumer.Cli;

/// <summary>The version that this tool was built as.</summary>
internal static class ToolVersion
{
    public static string Text { get; } =
        typeof(ToolVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
