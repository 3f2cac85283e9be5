using System.Buffers.Text;
using FastConsumer.LoadTest.Replay;

namespace FastConsumer.LoadTest.Decode;

/// <summary>CPU nanoseconds per record: medians over rounds in which each decoder has its turn, ratios of each round.</summary>
internal sealed record DecodeFigures
{
    public required int Records { get; init; }

    public required int Size { get; init; }

    public required double Sdk { get; init; }

    public required double SdkFirstV4 { get; init; }

    /// <summary>With the copy of the answer that each run needs, for base64 is decoded where it lies.</summary>
    public required double FastJson { get; init; }

    public required double FastCbor { get; init; }

    public required double Copy { get; init; }

    /// <summary>The framework's vectorised decoder on one record's text: what no JSON decoder can do without.</summary>
    public required double Base64Alone { get; init; }

    public required double SdkToJson { get; init; }

    public required double SdkToCbor { get; init; }

    public required double FastJsonAllocated { get; init; }

    public required double FastCborAllocated { get; init; }
}

/// <summary>Measures by CPU time and in turns, which tells ratios even on a machine that others use.</summary>
internal static class DecodeCommand
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(60);

    public static DecodeFigures Run(int records, int size, int rounds)
    {
        var answer = new Answer(records, size);
        byte[] text = new byte[Base64.GetMaxEncodedToUtf8Length(size)];
        Base64.EncodeToUtf8(new byte[size], text, out _, out _);
        byte[] bytes = new byte[size + 2];
        Func<int>[] decoders =
        [
            answer.DecodeAsSdk,
            answer.DecodeAsFirstSdkV4,
            answer.DecodeJson,
            answer.DecodeCbor,
            answer.CopyJson,
            () =>
            {
                for (int i = 0; i < records; i++)
                {
                    Base64.DecodeFromUtf8(text, bytes, out _, out _);
                }

                return records;
            },
        ];
        double[][] nanoseconds = [.. decoders.Select(_ => new double[rounds])];
        double[] allocated = new double[decoders.Length];
        // the first round is the compiler's
        for (int round = -1; round < rounds; round++)
        {
            for (int i = 0; i < decoders.Length; i++)
            {
                (double spent, allocated[i]) = Turn(decoders[i], records);
                if (round >= 0)
                {
                    nanoseconds[i][round] = spent;
                }
            }
        }

        return new DecodeFigures
        {
            Records = records,
            Size = size,
            Sdk = Median(nanoseconds[0]),
            SdkFirstV4 = Median(nanoseconds[1]),
            FastJson = Median(nanoseconds[2]),
            FastCbor = Median(nanoseconds[3]),
            Copy = Median(nanoseconds[4]),
            Base64Alone = Median(nanoseconds[5]),
            SdkToJson = Median([.. nanoseconds[0].Zip(nanoseconds[2], static (sdk, fast) => sdk / fast)]),
            SdkToCbor = Median([.. nanoseconds[0].Zip(nanoseconds[3], static (sdk, fast) => sdk / fast)]),
            FastJsonAllocated = allocated[2],
            FastCborAllocated = allocated[3],
        };
    }

    private static (double Nanoseconds, double Allocated) Turn(Func<int> decode, int records)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan spent;
        int runs = 0;
        do
        {
            decode();
            runs++;
            spent = Environment.CpuUsage.TotalTime - before;
        }
        while (spent < s_turn);

        return (spent.TotalNanoseconds / ((double)runs * records),
            (double)(GC.GetAllocatedBytesForCurrentThread() - allocated) / ((double)runs * records));
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
