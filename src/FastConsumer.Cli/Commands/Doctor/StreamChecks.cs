using Amazon;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Commands.Doctor;

/// <summary>Who asks, and what the stream answers.</summary>
internal sealed class StreamChecks(ToolContext context, CheckList checks)
{
    private const string Denied = "FCF1014";
    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_identityTimeout = TimeSpan.FromSeconds(5);

    private string _arn = "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await IdentityAsync(cancellationToken);
        StreamIdentifier stream;
        try
        {
            stream = await context.Fleet.StreamAsync(null, cancellationToken);
        }
        catch (Exception e) when (e is Leases.LeaseStoreException or ToolException)
        {
            checks.Add(
                "stream", CheckList.NotTried, "The lease table does not say which stream is meant, and --stream was not given.",
                remedy: "Name the stream with --stream.");
            return;
        }

        StreamDescriptionSummary? summary = null;
        if (!await TryAsync("stream", Denied, "kinesis:DescribeStreamSummary", async () =>
        {
            summary = await context.Fleet.Kinesis.DescribeStreamSummaryAsync(stream, cancellationToken);
            _arn = summary.StreamARN;
            return $"{summary.StreamARN} is {summary.StreamStatus}, {summary.StreamMode ?? "PROVISIONED"}, with {summary.OpenShardCount} "
                + $"open shards at {context.Fleet.Kinesis.EndpointDescription}.";
        }, cancellationToken))
        {
            return;
        }

        checks.Add("retention", CheckList.Ok, $"A record is kept for {summary!.RetentionPeriodHours} h.");
        Clock(summary);
        await ShardsAsync(stream, summary, cancellationToken);
        await ConsumersAsync(summary, cancellationToken);
    }

    private Task<bool> TryAsync(
        string check, string? finding, string action, Func<Task<string>> call, CancellationToken cancellationToken) =>
        checks.TryAsync(check, finding, action, _arn, call, cancellationToken);

    /// <summary>No worker needs it, so a failure says no more than that it is not known.</summary>
    private async Task IdentityAsync(CancellationToken cancellationToken)
    {
        try
        {
            (string? region, string? profile) = context.Fleet.Named;
            var config = new AmazonSecurityTokenServiceConfig { Timeout = s_identityTimeout, MaxErrorRetry = 0 };
            if (region is not null)
            {
                config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
            }

            if (profile is not null)
            {
                config.Profile = new Profile(profile);
            }

            using var client = new AmazonSecurityTokenServiceClient(config);
            GetCallerIdentityResponse identity = await client.GetCallerIdentityAsync(new GetCallerIdentityRequest(), cancellationToken);
            checks.Add("identity", CheckList.Ok, $"The calls are made as {identity.Arn}, account {identity.Account}.");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException
            or OperationCanceledException)
        {
            checks.Add("identity", CheckList.NotKnown, $"STS has not said whose credentials these are: {e.Message}");
        }
    }

    private void Clock(StreamDescriptionSummary summary)
    {
        if (summary.AnsweredAt is not { } there)
        {
            checks.Add("clock", CheckList.NotKnown, "The service has not said its time.");
            return;
        }

        TimeSpan offset = there - context.Time.GetUtcNow();
        bool isOff = offset.Duration() >= s_clockTolerance;
        checks.Add(
            "clock",
            isOff ? CheckList.Failed : CheckList.Ok,
            $"The service's clock is {Words.Of(offset.Duration())} {(offset > TimeSpan.Zero ? "ahead of" : "behind")} this machine's, "
                + "which "
                + "is known to a second.",
            isOff ? "FCF1015" : null,
            isOff ? "Set this machine's clock by NTP: AWS refuses signatures that are minutes off." : null);
    }

    private async Task ShardsAsync(StreamIdentifier stream, StreamDescriptionSummary summary, CancellationToken cancellationToken)
    {
        ShardListing? listing = null;
        if (!await TryAsync("shards", Denied, "kinesis:ListShards", async () =>
        {
            listing = await ShardListing.ListAllAsync(context.Fleet.Kinesis, stream, cancellationToken);
            return $"{listing.Shards.Count} shards are listed.";
        }, cancellationToken))
        {
            return;
        }

        int holes = listing!.Holes.Count;
        checks.Add(
            "hash keys",
            holes == 0 ? CheckList.Ok : CheckList.Failed,
            holes == 0 ? "The open shards have all hash keys." : $"{holes} ranges of hash keys have no open shard in the listing.",
            holes == 0 ? null : "FCF5001",
            holes == 0 ? null : "A reshard may be under way: look again in a minute.");
        Shard? open = listing.Shards.FirstOrDefault(static shard => shard.EndingSequenceNumber is null);
        if (open is null)
        {
            checks.Add("read", CheckList.NotTried, "No shard is open.");
            return;
        }

        string? iterator = null;
        if (!await TryAsync("iterator", Denied, "kinesis:GetShardIterator", async () =>
        {
            iterator = await context.Fleet.Kinesis.GetShardIteratorAsync(
                stream, open.ShardId, StartingPosition.TrimHorizon, cancellationToken);
            return $"{open.ShardId} gives iterators.";
        }, cancellationToken))
        {
            return;
        }

        int records = 0;
        bool isRead = await TryAsync("read", Denied, "kinesis:GetRecords", async () =>
        {
            using GetRecordsResponse answer = await context.Fleet.Kinesis.GetRecordsAsync(stream, iterator!, 1, cancellationToken);
            records = answer.Count;
            return $"{open.ShardId} is read: {(records > 0 ? "its oldest record has come" : "it has no record at its beginning")}.";
        }, cancellationToken);
        Encryption(summary, isRead && records > 0);
    }

    private void Encryption(StreamDescriptionSummary summary, bool hasRecord)
    {
        if (summary.EncryptionType is null or "NONE")
        {
            checks.Add("encryption", CheckList.Ok, "The stream is not encrypted by KMS.");
        }
        else if (hasRecord)
        {
            checks.Add("encryption", CheckList.Ok, $"A record encrypted by KMS key {summary.KeyId} was decrypted.");
        }
        else
        {
            checks.Add(
                "encryption", CheckList.NotKnown, $"The stream is encrypted by KMS key {summary.KeyId}, and no record was there to show "
                    + "that kms:Decrypt is allowed.");
        }
    }

    private async Task ConsumersAsync(StreamDescriptionSummary summary, CancellationToken cancellationToken)
    {
        await TryAsync("other readers", null, "kinesis:ListStreamConsumers", async () =>
        {
            ListStreamConsumersResponse answer =
                await context.Fleet.Kinesis.ListStreamConsumersAsync(summary.StreamARN, cancellationToken: cancellationToken);
            string names = string.Join(", ", answer.Consumers.Select(static consumer => $"{consumer.ConsumerName} "
                + $"({consumer.ConsumerStatus})"));
            return answer.Consumers.Count == 0
                ? "No consumer of enhanced fan-out is registered. Who polls is not known to the service; finding FCF1001 shows it."
                : $"Registered for enhanced fan-out: {names}. Who polls is not known to the service; finding FCF1001 shows it.";
        }, cancellationToken);
        checks.Add(
            "register consumer",
            CheckList.NotTried,
            $"Enhanced fan-out needs it once. The statement: "
                + $"{{\"Effect\":\"Allow\",\"Action\":\"kinesis:RegisterStreamConsumer\",\"Resource\":\"{summary.StreamARN}\"}}");
    }
}
