using BenchmarkDotNet.Attributes;
using FastConsumer.LoadTest.Replay;

namespace FastConsumer.Benchmarks;

/// <summary>Decoding an answer of 1,000 records, per record. FastJson includes Copy.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class DecodingBenchmarks
{
    private const int Records = 1000;
    private Answer _answer = null!;

    [Params(100, 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup() => _answer = new Answer(Records, Size);

    [Benchmark(Baseline = true, OperationsPerInvoke = Records)]
    public int Sdk() => _answer.DecodeAsSdk();

    [Benchmark(OperationsPerInvoke = Records)]
    public int SdkFirstV4() => _answer.DecodeAsFirstSdkV4();

    [Benchmark(OperationsPerInvoke = Records)]
    public int FastJson() => _answer.DecodeJson();

    [Benchmark(OperationsPerInvoke = Records)]
    public int FastCbor() => _answer.DecodeCbor();

    [Benchmark(OperationsPerInvoke = Records)]
    public int Copy() => _answer.CopyJson();
}

/// <summary>Decoding an answer of 100 records of 100 KiB, per record. FastJson includes Copy.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class LargeDecodingBenchmarks
{
    private const int Records = 100;
    private readonly Answer _answer = new(Records, 100 * 1024);

    [Benchmark(Baseline = true, OperationsPerInvoke = Records)]
    public int Sdk() => _answer.DecodeAsSdk();

    [Benchmark(OperationsPerInvoke = Records)]
    public int FastJson() => _answer.DecodeJson();

    [Benchmark(OperationsPerInvoke = Records)]
    public int FastCbor() => _answer.DecodeCbor();

    [Benchmark(OperationsPerInvoke = Records)]
    public int Copy() => _answer.CopyJson();
}
