using System.Reflection;
using System.Runtime.CompilerServices;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Aspire.Tests;

/// <summary>App hosts of the tests, without a dashboard.</summary>
internal static class AppHost
{
    /// <summary>The tool, as it was built with the tests.</summary>
    public static string Tool { get; } = Path.GetFullPath(Metadata("Tool"));

    public static string Folder => AppContext.BaseDirectory;

    public static IDistributedApplicationBuilder Create(params string[] arguments) => DistributedApplication.CreateBuilder(
        new DistributedApplicationOptions
        {
            Args =
            [
                // no dashboard runs, but its path is asked for
                "--DcpPublisher:CliPath", Metadata("Orchestrator"), "--DcpPublisher:DashboardPath", Folder,
                .. arguments,
            ],
            DisableDashboard = true,
            ProjectDirectory = Folder,
        });

    /// <summary>Does what the orchestrator does when it starts: clients come to port 4567, the emulator listens on 4568.</summary>
    public static void Allocate(FastConsumerKinesisResource kinesis)
    {
        EndpointAnnotation endpoint = kinesis.PrimaryEndpoint.EndpointAnnotation;
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", 4567, targetPortExpression: "4568");
    }

    public static async Task<IReadOnlyDictionary<string, string>> EnvironmentAsync(IResource resource) =>
        (await ConfigurationAsync(resource)).EnvironmentVariables.ToDictionary();

    public static async Task<IExecutionConfigurationResult> ConfigurationAsync(IResource resource)
    {
        IExecutionConfigurationResult result = await ExecutionConfigurationBuilder.Create(resource)
            .WithArgumentsConfig()
            .WithEnvironmentVariablesConfig()
            .BuildAsync(
                new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run),
                NullLogger.Instance,
                TestContext.Current.CancellationToken);
        Assert.Null(result.Exception);
        return result;
    }

    /// <summary>What the machine of the tests has of AWS is not theirs; programs of an app host take its environment over.</summary>
    [ModuleInitializer]
    internal static void ForgetAws()
    {
        foreach (string variable in Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(static variable => variable.StartsWith("AWS_", StringComparison.Ordinal)))
        {
            Environment.SetEnvironmentVariable(variable, null);
        }
    }

    private static string Metadata(string key) => typeof(AppHost).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == key).Value!;
}
