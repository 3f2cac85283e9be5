using Microsoft.Extensions.Hosting;

namespace FastConsumer.Testing.Harness;

/// <summary>A host inside a test leaves Ctrl+C and SIGTERM to the test's runner.</summary>
internal sealed class UnattendedLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
