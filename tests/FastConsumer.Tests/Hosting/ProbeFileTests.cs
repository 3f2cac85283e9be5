using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Hosting;

public sealed class ProbeFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("probe").FullName;
    private readonly ManualClock _clock = new();
    private readonly LogRecorder _log = new();
    private HealthStatus _status = HealthStatus.Healthy;
    private int _checks;

    private string Alive => Path.Combine(_directory, "alive");

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        _log.Dispose();
    }

    [Fact]
    public async Task The_file_is_young_while_the_consumers_are_alive_and_gone_after_the_stop()
    {
        using IHost host = Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(_clock.GetUtcNow().UtcDateTime, File.GetLastWriteTimeUtc(Alive));
        await PassAsync();
        Assert.Equal(_clock.GetUtcNow().UtcDateTime, File.GetLastWriteTimeUtc(Alive));

        // a degraded one is alive
        _status = HealthStatus.Degraded;
        await PassAsync();
        DateTime last = _clock.GetUtcNow().UtcDateTime;
        Assert.Equal(last, File.GetLastWriteTimeUtc(Alive));

        _status = HealthStatus.Unhealthy;
        await PassAsync();
        await PassAsync();
        Assert.Equal(last, File.GetLastWriteTimeUtc(Alive));
        Assert.Contains("stands still", Assert.Single(_log.Of(2631)).Message, StringComparison.Ordinal);

        _status = HealthStatus.Healthy;
        await PassAsync();
        Assert.Equal(_clock.GetUtcNow().UtcDateTime, File.GetLastWriteTimeUtc(Alive));
        Assert.Single(_log.Of(2632));
        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.False(File.Exists(Alive));
    }

    [Fact]
    public async Task A_path_that_cannot_be_written_is_refused_at_start_with_its_name_and_what_to_do()
    {
        using IHost host = Build(Path.Combine(_directory, "missing", "alive"));
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => host.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains(Path.Combine(_directory, "missing", "alive"), error.Message, StringComparison.Ordinal);
        Assert.Contains("a directory that exists", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_later_is_logged_once_until_it_is_over_and_ends_nothing()
    {
        string sub = Directory.CreateDirectory(Path.Combine(_directory, "sub")).FullName;
        string path = Path.Combine(sub, "alive");
        using IHost host = Build(path);
        await host.StartAsync(TestContext.Current.CancellationToken);
        for (int episode = 1; episode <= 2; episode++)
        {
            Directory.Delete(sub, recursive: true);
            await PassAsync();
            await PassAsync();
            Assert.Equal(episode, _log.Of(2630).Count());
            Directory.CreateDirectory(sub);
            await PassAsync();
            Assert.Equal(episode, _log.Of(2632).Count());
            Assert.True(File.Exists(path));
        }

        await host.StopAsync(TestContext.Current.CancellationToken);
        Assert.Empty(_log.Of(2633));
    }

    [Fact]
    public async Task Without_a_consumer_it_tells_nothing_and_is_refused()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddFastConsumerProbeFile(Alive);
        using IHost host = builder.Build();
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => host.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("AddFastConsumer(", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Alive));
    }

    [Fact]
    public void Its_arguments_are_checked()
    {
        var services = new ServiceCollection();
        Assert.Throws<ArgumentException>(() => services.AddFastConsumerProbeFile(" "));
        Assert.Throws<ArgumentOutOfRangeException>(() => services.AddFastConsumerProbeFile("alive", TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => services.AddFastConsumerProbeFile("alive", TimeSpan.FromDays(2)));
    }

    /// <summary>Lets one interval pass, and waits until the file was looked after and the next wait has begun.</summary>
    private async Task PassAsync()
    {
        await Eventually.TrueAsync(() => _clock.NextDue is not null, static () => "Nobody waits.");
        int checks = _checks;
        _clock.Advance(TimeSpan.FromSeconds(5));
        await Eventually.TrueAsync(() => _checks == checks + 1 && _clock.NextDue is not null, static () => "It was not checked.");
    }

    private IHost Build(string? path = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(_log);
        builder.Services.AddSingleton<TimeProvider>(_clock);
        // of the live checks of others nothing is asked
        builder.Services.AddHealthChecks()
            .AddCheck("database", static () => HealthCheckResult.Unhealthy(), ["live"])
            .AddCheck("fastconsumer", static () => HealthCheckResult.Unhealthy(), ["fastconsumer"])
            .AddCheck("fastconsumer-live:other", static () => HealthCheckResult.Healthy(), ["live"])
            .AddCheck(
                ProbeHealthChecks.LiveName,
                () =>
                {
                    Interlocked.Increment(ref _checks);
                    return new HealthCheckResult(_status, "The loop stands still.");
                },
                ["live"]);
        builder.Services.AddFastConsumerProbeFile(path ?? Alive);
        return builder.Build();
    }
}
