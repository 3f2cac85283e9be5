using System.Security;
using FastConsumer.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>
/// Keeps a file young while the host's consumers are alive, for probes that look at files. It begins when the host starts, and deletes the
/// file when all services have stopped: a probe must not end a stop that hands leases over.
/// </summary>
internal sealed class ProbeFile(
    string path, TimeSpan interval, HealthCheckService health, TimeProvider time, ILogger log) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly RepeatedFailureLog _failures = new(time);
    private Task _touching = Task.CompletedTask;
    private bool _isFailing;
    private bool _isUnhealthy;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        HealthReport report = await CheckAsync(cancellationToken).ConfigureAwait(false);
        if (report.Entries.Count == 0)
        {
            throw new InvalidOperationException(
                $"The probe file '{path}' tells of no consumer: add one with AddFastConsumer(...), or leave AddFastConsumerProbeFile out.");
        }

        try
        {
            Touch();
        }
        catch (Exception e) when (IsOfFile(e))
        {
            throw new InvalidOperationException(
                $"The probe file '{path}' cannot be written: {e.Message} Give AddFastConsumerProbeFile a path in a directory that exists "
                    + "and that the process may write to. Where the root file system is read-only, mount a volume there.",
                e);
        }

        _touching = Task.Run(() => TouchAsync(_end.Token), CancellationToken.None);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _touching.ConfigureAwait(false);
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (IsOfFile(e))
        {
            ProbeLog.NotDeleted(log, path, e);
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    private async Task TouchAsync(CancellationToken end)
    {
        while (true)
        {
            await Task.Delay(interval, time, end)
                .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            if (end.IsCancellationRequested)
            {
                return;
            }

            try
            {
                HealthReport report = await CheckAsync(end).ConfigureAwait(false);
                if (report.Status != HealthStatus.Unhealthy)
                {
                    Touch();
                    Touched();
                }
                else if (!_isUnhealthy)
                {
                    _isUnhealthy = true;
                    ProbeLog.NotTouched(
                        log, path, string.Join(' ', report.Entries.Values.Select(static entry => entry.Description)));
                }
            }
            catch (Exception) when (end.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // the next try may succeed; meanwhile the file ages, which is what the probe is to see
                Failed(e);
            }
        }
    }

    private void Touched()
    {
        if (_isFailing || _isUnhealthy)
        {
            ProbeLog.TouchedAgain(log, path);
        }

        (_isFailing, _isUnhealthy) = (false, false);
        _failures.Reset();
    }

    private void Failed(Exception error)
    {
        _isFailing = true;
        if (_failures.Next(error) is { Error: { } first } failure)
        {
            ProbeLog.NotWritten(log, path, interval, failure.Text, first);
        }
    }

    private Task<HealthReport> CheckAsync(CancellationToken cancellationToken) => health.CheckHealthAsync(
        static check => check.Tags.Contains(ProbeHealthChecks.LiveTag)
            && check.Name.StartsWith(ProbeHealthChecks.LiveName, StringComparison.Ordinal),
        cancellationToken);

    private void Touch()
    {
        using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
        }

        File.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);
    }

    private static bool IsOfFile(Exception error) =>
        error is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException;
}
