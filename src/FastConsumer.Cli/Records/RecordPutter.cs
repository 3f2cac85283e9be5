using FastConsumer.Kinesis;
using FastConsumer.Timing;

namespace FastConsumer.Cli.Records;

/// <summary>Puts records in requests as large as the service takes them. What it throttles is put again.</summary>
internal sealed class RecordPutter(IKinesisClient client, StreamIdentifier stream, TimeProvider time, Action<string> note)
{
    /// <summary>The most records of a request.</summary>
    public const int MostRecords = 500;

    /// <summary>The most bytes of a request, keys included.</summary>
    private const int MostBytes = 5 * 1024 * 1024;

    private static readonly TimeSpan s_firstWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(5);

    private readonly Random _random = new(Environment.ProcessId);
    private readonly SortedDictionary<string, long> _byShard = new(StringComparer.Ordinal);
    private bool _isThrottleSaid;

    /// <summary>Records that the service has taken.</summary>
    public long Records { get; private set; }

    /// <summary>Their payloads' bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many were put again.</summary>
    public long PutAgain { get; private set; }

    /// <summary>The records of each shard.</summary>
    public IReadOnlyDictionary<string, long> ByShard => _byShard;

    /// <summary>Puts all of them. Returns when each is taken.</summary>
    /// <exception cref="KinesisException">The service refuses the request.</exception>
    /// <exception cref="ToolException">The service refuses a record for another reason than its quota.</exception>
    public async Task PutAsync(IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken)
    {
        List<PutRecordsRequestEntry> request = [];
        int bytes = 0;
        foreach (PutRecordsRequestEntry record in records)
        {
            // a key of 256 characters has at most 1,024 bytes
            int size = record.Data.Length + (4 * record.PartitionKey.Length);
            if (request.Count == MostRecords || (request.Count > 0 && bytes + size > MostBytes))
            {
                await PutRequestAsync(request, cancellationToken);
                request = [];
                bytes = 0;
            }

            request.Add(record);
            bytes += size;
        }

        if (request.Count > 0)
        {
            await PutRequestAsync(request, cancellationToken);
        }
    }

    private async Task PutRequestAsync(List<PutRecordsRequestEntry> request, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(s_firstWait, s_longestWait, _random);
        while (true)
        {
            PutRecordsResponse answer = await client.PutRecordsAsync(stream, request, cancellationToken);
            List<PutRecordsRequestEntry> left = [];
            for (int i = 0; i < answer.Records.Count; i++)
            {
                PutRecordsResultEntry result = answer.Records[i];
                if (result.ErrorCode is null)
                {
                    Records++;
                    Bytes += request[i].Data.Length;
                    string shardId = result.ShardId ?? "-";
                    _byShard[shardId] = _byShard.GetValueOrDefault(shardId) + 1;
                    continue;
                }

                if (result.ErrorCode is not ("ProvisionedThroughputExceededException" or "InternalFailure"))
                {
                    throw new ToolException(
                        ExitCodes.Failure, $"The stream {stream.Name} does not take a record: {result.ErrorCode}: {result.ErrorMessage}");
                }

                left.Add(request[i]);
                Said(result);
            }

            if (left.Count == 0)
            {
                return;
            }

            PutAgain += left.Count;
            request = left;
            await Task.Delay(backoff.Next(), time, cancellationToken);
        }
    }

    private void Said(PutRecordsResultEntry result)
    {
        if (!_isThrottleSaid)
        {
            _isThrottleSaid = true;
            note($"The stream {stream.Name} does not take records so fast ({result.ErrorCode}); what it refuses is put again.");
        }
    }
}
