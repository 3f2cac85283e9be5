using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace FastConsumer.Aspire.Tests;

public sealed class ModelTests
{
    [Fact]
    public async Task It_is_the_tool_of_this_packages_version_out_of_nuget()
    {
        FastConsumerKinesisResource kinesis = AppHost.Create().AddFastConsumerKinesis("kinesis").Resource;

        Assert.Equal("dotnet", kinesis.Command);
        Assert.Equal(AppHost.Folder.TrimEnd('/'), kinesis.WorkingDirectory.TrimEnd('/'));
        Assert.Equal(
            ["tool", "exec", "FastConsumer.Cli", "--version", EmulatorLaunch.OwnVersion, "--yes", "--", "emulator"],
            (await ArgumentsAsync(kinesis))[..8]);
        Assert.Matches(@"^\d+\.\d+\.\d+(-[\w.]+)?$", EmulatorLaunch.OwnVersion);
    }

    [Fact]
    public async Task Another_version_can_be_asked_for()
    {
        FastConsumerKinesisResource kinesis = AppHost.Create().AddFastConsumerKinesis("kinesis").WithToolVersion("0.9.0-rc.1").Resource;

        Assert.Equal(
            ["tool", "exec", "FastConsumer.Cli", "--version", "0.9.0-rc.1", "--yes", "--", "emulator"],
            (await ArgumentsAsync(kinesis))[..8]);
    }

    [Fact]
    public async Task A_program_that_is_there_is_run_as_it_is()
    {
        IDistributedApplicationBuilder builder = AppHost.Create();
        FastConsumerKinesisResource library = builder.AddFastConsumerKinesis("library").WithTool(AppHost.Tool).Resource;
        FastConsumerKinesisResource program = builder.AddFastConsumerKinesis("program").WithTool("tools/fastconsumer").Resource;
        FastConsumerKinesisResource found = builder.AddFastConsumerKinesis("found").WithTool("sh").Resource;

        Assert.Equal("dotnet", library.Command);
        Assert.Equal([AppHost.Tool, "emulator"], (await ArgumentsAsync(library))[..2]);
        Assert.Equal(Path.Combine(AppHost.Folder, "tools/fastconsumer"), program.Command);
        Assert.Equal("emulator", (await ArgumentsAsync(program))[0]);
        Assert.True(Path.IsPathRooted(found.Command) && File.Exists(found.Command), found.Command);
    }

    [Fact]
    public async Task Streams_region_and_folder_are_arguments_of_the_emulator()
    {
        IResourceBuilder<FastConsumerKinesisResource> kinesis = AppHost.Create()
            .AddFastConsumerKinesis("kinesis")
            .WithStream("orders", 4)
            .WithStream("clicks")
            .WithRegion("eu-west-1")
            .WithDataFolder("data/kinesis")
            .WithArgs("--no-quotas");

        string[] arguments = await ArgumentsAsync(kinesis.Resource);

        Assert.Equal(["emulator", "--port", "4568"], arguments[7..10]);
        Assert.Equal(
            ["--region", "eu-west-1", "--stream", "orders:4", "--stream", "clicks:1", "--data",
                Path.Combine(AppHost.Folder, "data/kinesis"), "--no-quotas"],
            arguments[10..]);
        Assert.Equal([new("orders", 4), new("clicks", 1)], kinesis.Resource.Streams);
    }

    [Fact]
    public void It_has_an_endpoint_and_a_health_check()
    {
        FastConsumerKinesisResource kinesis = AppHost.Create().AddFastConsumerKinesis("kinesis", 4567).Resource;

        EndpointAnnotation endpoint = Assert.Single(kinesis.Annotations.OfType<EndpointAnnotation>());
        Assert.Equal(("http", "http", 4567), (endpoint.Name, endpoint.UriScheme, endpoint.Port));
        Assert.Single(kinesis.Annotations.OfType<HealthCheckAnnotation>());
    }

    [Theory]
    [InlineData("", 1, "'' is no name of a stream")]
    [InlineData("a:2", 1, "'a:2' is no name of a stream: give 1 to 128 letters, digits, '_', '.' and '-'.")]
    [InlineData("orders", 1, "The stream 'orders' of resource 'kinesis' was added before: add each stream once.")]
    [InlineData("clicks", 0, "shards ('0') must be greater than or equal to '1'")]
    public void A_stream_that_cannot_be_is_refused(string name, int shards, string message)
    {
        IResourceBuilder<FastConsumerKinesisResource> kinesis = AppHost.Create().AddFastConsumerKinesis("kinesis").WithStream("orders");

        Assert.Contains(
            message, Assert.ThrowsAny<ArgumentException>(() => kinesis.WithStream(name, shards)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_region_that_cannot_be_is_refused() => Assert.Contains(
        "'EU' is no region",
        Assert.Throws<ArgumentException>(() => AppHost.Create().AddFastConsumerKinesis("kinesis").WithRegion("EU")).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("tools/absent", "there is no file '")]
    [InlineData("absent.dll", "there is no file '")]
    [InlineData("absent-program", "'absent-program' is neither on the PATH nor among the tools of ")]
    public void A_program_that_is_missing_is_named_with_the_remedy(string program, string message)
    {
        FastConsumerKinesisResource kinesis = AppHost.Create().AddFastConsumerKinesis("kinesis").WithTool(program).Resource;

        string said = Assert.Throws<DistributedApplicationException>(() => kinesis.Launch.RequireProgram("kinesis")).Message;

        Assert.Contains($"'kinesis' cannot start: {message}", said, StringComparison.Ordinal);
        Assert.Contains("NuGet", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_of_it_is_published()
    {
        IDistributedApplicationBuilder builder = AppHost.Create("--publisher", "manifest", "--output-path", Path.GetTempPath());
        IResourceBuilder<FastConsumerKinesisResource> kinesis = builder.AddFastConsumerKinesis("kinesis");
        IResourceBuilder<ExecutableResource> billing = builder.AddExecutable("billing", "billing", ".").WithReference(kinesis);

        Assert.True(builder.ExecutionContext.IsPublishMode);
        Assert.Contains(ManifestPublishingCallbackAnnotation.Ignore, kinesis.Resource.Annotations);
        Assert.Empty(billing.Resource.Annotations.OfType<EnvironmentCallbackAnnotation>());
    }

    private static async Task<string[]> ArgumentsAsync(FastConsumerKinesisResource kinesis)
    {
        AppHost.Allocate(kinesis);
        return [.. (await AppHost.ConfigurationAsync(kinesis)).Arguments.Select(static argument => argument.Value)];
    }
}
