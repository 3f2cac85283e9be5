using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.LoadTest.Replay;
using FastConsumer.SdkBaseline;

namespace FastConsumer.LoadTest.Decode;

/// <summary>
/// CPU nanoseconds and bytes allocated per record of whole calls: medians over rounds in which each client has its turn, ratios of each
/// round.
/// </summary>
internal sealed record WholeCallFigures
{
    public required int Records { get; init; }

    public required int Size { get; init; }

    public required double Sdk { get; init; }

    public required double FastJson { get; init; }

    public required double FastCbor { get; init; }

    public required double SdkToJson { get; init; }

    public required double SdkToCbor { get; init; }

    public required double SdkAllocated { get; init; }

    public required double FastJsonAllocated { get; init; }

    public required double FastCborAllocated { get; init; }
}

/// <summary>
/// One GetRecords from the request to the records in hand: each client's whole pipeline over a handler that answers from
/// memory, so that the network is left out and nothing else. The SDK has but JSON.
/// </summary>
internal static class WholeCallCommand
{
    private const string Url = "http://127.0.0.1:4567";
    private const string Region = "us-east-1";
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(200);

    public static async Task<WholeCallFigures> RunAsync(int records, int size, int rounds)
    {
        using var handler = new MemoryHandler(records, size);
        using var sdk = new SdkKinesis(Url, Region, handler);
        using KinesisClient json = Client(KinesisProtocol.Json, handler);
        using KinesisClient cbor = Client(KinesisProtocol.Cbor, handler);
        var stream = StreamIdentifier.Parse(ReplayServer.StreamName);
        string iterator = new('A', ReplayToken.Length);
        Func<Task<long>>[] clients = [ReadAsSdkAsync, () => ReadAsync(json), () => ReadAsync(cbor)];
        double[][] nanoseconds = [.. clients.Select(_ => new double[rounds])];
        double[][] allocated = [.. clients.Select(_ => new double[rounds])];
        // the first rounds are the compiler's
        for (int round = -3; round < rounds; round++)
        {
            for (int i = 0; i < clients.Length; i++)
            {
                (double spent, double bytes) = await TurnAsync(clients[i], records, size);
                if (round >= 0)
                {
                    nanoseconds[i][round] = spent;
                    allocated[i][round] = bytes;
                }
            }
        }

        return new WholeCallFigures
        {
            Records = records,
            Size = size,
            Sdk = Median(nanoseconds[0]),
            FastJson = Median(nanoseconds[1]),
            FastCbor = Median(nanoseconds[2]),
            SdkToJson = Median(nanoseconds[0].Zip(nanoseconds[1], static (slow, fast) => slow / fast)),
            SdkToCbor = Median(nanoseconds[0].Zip(nanoseconds[2], static (slow, fast) => slow / fast)),
            SdkAllocated = Median(allocated[0]),
            FastJsonAllocated = Median(allocated[1]),
            FastCborAllocated = Median(allocated[2]),
        };

        async Task<long> ReadAsSdkAsync()
        {
            long bytes = 0;
            await sdk.ReadAsync(iterator, records, data => bytes += data.Length, CancellationToken.None);
            return bytes;
        }

        async Task<long> ReadAsync(KinesisClient client)
        {
            using GetRecordsResponse response = await client.GetRecordsAsync(stream, iterator, records);
            long bytes = 0;
            for (int i = 0; i < response.Count; i++)
            {
                bytes += response.GetDataSpan(i).Length;
            }

            return bytes;
        }
    }

    private static KinesisClient Client(KinesisProtocol protocol, MemoryHandler handler) => new(
        new KinesisClientOptions
        {
            ServiceUrl = Url,
            Region = Region,
            Credentials = new BasicAWSCredentials("load", "test"),
            Protocol = protocol
        },
        handler);

    private static async Task<(double Nanoseconds, double Allocated)> TurnAsync(Func<Task<long>> read, int records, int size)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan spent;
        int calls = 0;
        do
        {
            if (await read() != (long)records * size)
            {
                throw new InvalidOperationException("An answer did not hold what was put into it.");
            }

            calls++;
            spent = Environment.CpuUsage.TotalTime - before;
        }
        while (spent < s_turn);

        double all = (double)calls * records;
        return (spent.TotalNanoseconds / all, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / all);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
