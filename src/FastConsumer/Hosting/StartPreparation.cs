using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// What must be there before a worker shares leases: the stream, the lease table and, for fan-out, the registered consumer. What is missing
/// is waited for; log and health name the step that fails and what helps.
/// </summary>
internal sealed class StartPreparation(WorkerParts parts, ILeaseStore store)
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(30);

    /// <summary>The service tells its time in whole seconds, and its machines may differ a little.</summary>
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(2);

    /// <summary>A worker that cannot start for longer than this needs somebody, whatever the reason is.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly Backoff _backoff = new(s_firstRetry, s_maximumRetry, parts.Random.Create());
    private readonly RepeatedFailureLog _failures = new(parts.Time);
    private string _step = "";

    private WorkerSettings Settings => parts.Settings;

    private string Place => $"{Settings.ApplicationName}/{Settings.Stream.Name}/{Settings.ProcessorName}";

    /// <summary>Waits until all of it is there.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The stream as it describes itself.</returns>
    public async Task<StreamDescriptionSummary> RunAsync(CancellationToken cancellationToken)
    {
        long begunAt = parts.Time.GetTimestamp();
        while (true)
        {
            try
            {
                StreamDescriptionSummary stream = await TryAsync(cancellationToken);
                parts.Findings.Clear(FindingRules.CannotStart, Place);
                ConsumerLog.Started(
                    parts.Log,
                    Settings.ProcessorName,
                    Settings.Stream.ToString(),
                    parts.Client.EndpointDescription,
                    Settings.WorkerId,
                    Settings.ApplicationName,
                    store.Description);
                return stream;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                TimeSpan wait = _backoff.Next();
                Report(e, parts.Time.GetElapsedTime(begunAt), wait);
                await Task.Delay(wait, parts.Time, cancellationToken);
            }
        }
    }

    private async Task<StreamDescriptionSummary> TryAsync(CancellationToken cancellationToken)
    {
        _step = $"describing stream {Settings.Stream}";
        StreamDescriptionSummary stream = await parts.Client.DescribeStreamSummaryAsync(Settings.Stream, cancellationToken);
        if (stream.StreamStatus is "CREATING" or "DELETING")
        {
            throw new KinesisException(
                $"Stream {Settings.Stream} is {stream.StreamStatus}; it is read once it is ACTIVE.", KinesisErrorKind.ResourceInUse);
        }

        _step = "checking StartTimestamp";
        RefuseStartAhead(stream.AnsweredAt);
        _step = $"preparing the {store.Description}";
        await store.PrepareAsync(cancellationToken);
        if (parts.Checkpoints is { Store: var checkpoints })
        {
            _step = $"preparing the place of the state, {checkpoints.Description}";
            await checkpoints.PrepareAsync(cancellationToken);
        }

        if (parts.Positions is { } positions)
        {
            _step = $"preparing the positions in {positions.Description}";
            await positions.PrepareAsync(cancellationToken);
        }

        foreach (IPositionStore sink in parts.Outputs.Stores)
        {
            _step = $"preparing the sink of outputs, {sink.Description}";
            await sink.PrepareAsync(cancellationToken);
        }

        if (parts.FanOut is { } fanOut)
        {
            _step = $"preparing the fan-out consumer {Settings.ConsumerName}";
            await fanOut.PrepareAsync(cancellationToken);
        }

        return stream;
    }

    /// <summary>
    /// The service refuses a time ahead of its clock shard by shard and for ever; here it is told once, by the setting's name.
    /// </summary>
    private void RefuseStartAhead(DateTimeOffset? serviceTime)
    {
        DateTimeOffset now = serviceTime ?? parts.Time.GetUtcNow();
        if (Settings.StartPosition == StartPosition.AtTimestamp && Settings.StartTimestamp is { } start && start > now + s_clockTolerance)
        {
            throw new InvalidOperationException(
                $"StartTimestamp (FastConsumer:StartTimestamp, or FastConsumer:Processors:{Settings.ProcessorName}:StartTimestamp) is "
                    + $"{start:O}, ahead of the service's time, {now:O}. Set it to a time that has passed, or StartPosition to Latest.");
        }
    }

    private void Report(Exception error, TimeSpan since, TimeSpan wait)
    {
        FailureText failure = _failures.Next(error);
        string hint = FailureAdvice.HintOf(error, Settings.Stream, parts.Client.EndpointDescription);
        ConsumerLog.StartFailed(
            parts.Log, Settings.ProcessorName, Settings.Stream.ToString(), _step, failure.Text + hint, wait, failure.Error);
        parts.Findings.Raise(
            FindingRules.CannotStart,
            Place,
            $"{Settings.ProcessorName} cannot start on stream {Settings.Stream}: {_step} failed. {error.Message}{hint} It is tried again, "
                + "and no shard is read meanwhile.",
            severity: since > s_patience ? FindingSeverity.Unhealthy : FailureAdvice.SeverityAtStart(error));
    }
}
