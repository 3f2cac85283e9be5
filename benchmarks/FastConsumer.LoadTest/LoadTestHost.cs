using FastConsumer.Shared.Hosts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FastConsumer.LoadTest;

/// <summary>The hosts of workers that run in the load test's own process.</summary>
internal static class LoadTestHost
{
    /// <summary>
    /// A builder of a host that leaves signals to the command: one that stopped at a signal would leave figures of a worker that is gone.
    /// What it logs goes to standard error, for standard output has the figures.
    /// </summary>
    public static HostApplicationBuilder CreateBuilder()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<ConsoleLoggerOptions>(static options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        return builder;
    }
}
