using Microsoft.Extensions.Hosting;

namespace FastConsumer.Shared.Hosts;

/// <summary>
/// For a host inside a program that answers signals itself. Without it each host would stop at the program's SIGTERM, and so keep the
/// program from ending.
/// </summary>
internal sealed class NoSignals : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
