using System.Collections.Concurrent;
using System.Diagnostics;
using Amazon.Runtime;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Aspire.Tests;

/// <summary>App hosts that really run, under Aspire's orchestrator.</summary>
public sealed class RunTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fastconsumer-aspire-");

    private static CancellationToken Ended => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>
    /// The producer is a process that knows where to put records by its reference only. What it needs is there when it starts, since it
    /// waits for the health check. The worker is led there by the environment of a reference, too.
    /// </summary>
    [Theory]
    [InlineData(ReadMode.Polling)]
    [InlineData(ReadMode.FanOut)]
    public async Task A_worker_reads_what_a_referencing_program_puts(ReadMode mode)
    {
        string lines = Path.Combine(_folder.FullName, "lines.txt");
        await File.WriteAllLinesAsync(lines, ["one", "two", "three"], Ended);
        IDistributedApplicationBuilder builder = AppHost.Create();
        IResourceBuilder<FastConsumerKinesisResource> kinesis = builder.AddFastConsumerKinesis("kinesis")
            .WithTool(AppHost.Tool)
            .WithStream("orders", 2);
        IResourceBuilder<ExecutableResource> producer = builder
            .AddExecutable("producer", "dotnet", AppHost.Folder, AppHost.Tool, "put", "--stream", "orders", "--file", lines)
            .WithReference(kinesis)
            .WaitFor(kinesis);
        int processId;
        await using (DistributedApplication app = builder.Build())
        {
            await app.StartAsync(Ended);
            ResourceEvent healthy = await Eventually.EndsAsync(
                "the emulator is healthy", app.ResourceNotifications.WaitForResourceHealthyAsync("kinesis", Ended));
            processId = ProcessIdOf(healthy);
            ResourceEvent put = await Eventually.EndsAsync("the producer has put its lines", app.ResourceNotifications.WaitForResourceAsync(
                "producer", static said => said.Snapshot.ExitCode is not null, Ended));
            Assert.Equal(0, put.Snapshot.ExitCode);

            await ReadAsync(await AppHost.EnvironmentAsync(producer.Resource), mode, ["one", "two", "three"]);

            await app.StopAsync(Ended);
        }

        await Eventually.ThatAsync("the emulator has ended", () => !IsAlive(processId));
    }

    /// <summary>The next app host goes on with the records that the last one has acknowledged.</summary>
    [Fact]
    public async Task A_data_folder_outlives_the_app_host()
    {
        string lines = Path.Combine(_folder.FullName, "lines.txt");
        await File.WriteAllLinesAsync(lines, ["kept"], Ended);
        foreach (string command in (string[])["put", "tail"])
        {
            IDistributedApplicationBuilder builder = AppHost.Create();
            IResourceBuilder<FastConsumerKinesisResource> kinesis = builder.AddFastConsumerKinesis("kinesis")
                .WithTool(AppHost.Tool)
                .WithStream("orders")
                .WithDataFolder(Path.Combine(_folder.FullName, "data"));
            IResourceBuilder<ExecutableResource> billing = builder.AddExecutable("billing", "dotnet", AppHost.Folder, AppHost.Tool)
                .WithReference(kinesis);
            if (command == "put")
            {
                billing.WithArgs("put", "--stream", "orders", "--file", lines).WaitFor(kinesis);
            }
            else
            {
                billing.WithExplicitStart();
            }

            await using DistributedApplication app = builder.Build();
            await app.StartAsync(Ended);
            int processId = ProcessIdOf(await Eventually.EndsAsync(
                "the emulator is healthy", app.ResourceNotifications.WaitForResourceHealthyAsync("kinesis", Ended)));
            if (command == "put")
            {
                Assert.Equal(0, (await Eventually.EndsAsync("the producer has put its line", app.ResourceNotifications.WaitForResourceAsync(
                    "billing", static said => said.Snapshot.ExitCode is not null, Ended))).Snapshot.ExitCode);
            }
            else
            {
                await ReadAsync(await AppHost.EnvironmentAsync(billing.Resource), ReadMode.Polling, ["kept"]);
            }

            await app.StopAsync(Ended);
            await Eventually.ThatAsync("the emulator has ended", () => !IsAlive(processId));
        }
    }

    [Fact]
    public async Task A_missing_program_is_told_where_the_resource_is_looked_at()
    {
        IDistributedApplicationBuilder builder = AppHost.Create();
        builder.AddFastConsumerKinesis("kinesis").WithTool("absent/fastconsumer");
        await using DistributedApplication app = builder.Build();

        await app.StartAsync(Ended);
        ResourceEvent failed = await Eventually.EndsAsync(
            "the resource fails to start",
            app.ResourceNotifications.WaitForResourceAsync(
                "kinesis", static said => said.Snapshot.State == KnownResourceStates.FailedToStart, Ended));

        Assert.Contains(
            "absent/fastconsumer'. WithTool names the program of the package FastConsumer.Cli",
            await LogAsync(app, failed.ResourceId),
            StringComparison.Ordinal);
        await app.StopAsync(Ended);
    }

    private static async Task<string> LogAsync(DistributedApplication app, string resourceId)
    {
        List<string> lines = [];
        await foreach (IReadOnlyList<LogLine> page in app.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync(resourceId)
            .WithCancellation(Ended))
        {
            lines.AddRange(page.Select(static line => line.Content));
        }

        return string.Join('\n', lines);
    }

    private static async Task ReadAsync(IReadOnlyDictionary<string, string> environment, ReadMode mode, IReadOnlyList<string> expected)
    {
        ConcurrentQueue<string> lines = new();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddSingleton(lines);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "billing";
                options.ServiceUrl = environment["AWS_ENDPOINT_URL_KINESIS"];
                options.Region = environment["AWS_REGION"];
                options.Credentials = new BasicAWSCredentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]);
                options.ReadMode = mode;
            })
            .AddProcessor<LineProcessor>()
            .UseInMemoryLeases();
        using IHost host = builder.Build();
        await host.StartAsync(Ended);
        await Eventually.ThatAsync(
            "the worker has read the lines",
            () => lines.Order(StringComparer.Ordinal).SequenceEqual(expected.Order(StringComparer.Ordinal)),
            () => string.Join(", ", lines));
        await host.StopAsync(Ended);
    }

    private static int ProcessIdOf(ResourceEvent said) =>
        (int)said.Snapshot.Properties.Single(static property => property.Name == "executable.pid").Value!;

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            // there is no such process
            return false;
        }
    }
}
