using System.Globalization;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>
/// Mutated answers of real servers. Each case has a seed of its own. More of them:
/// <c>FASTCONSUMER_FUZZ_CASES=1000000 dotnet test tests/FastConsumer.Tests -c Release --filter FullyQualifiedName~FuzzTests</c>;
/// <c>FASTCONSUMER_FUZZ_SEED</c> is the first case's seed.
/// </summary>
public class FuzzTests
{
    private const string CasesVariable = "FASTCONSUMER_FUZZ_CASES";
    private const string SeedVariable = "FASTCONSUMER_FUZZ_SEED";
    private const int CasesOfAnyRun = 20_000;
    private static readonly TimeSpan s_longestCase = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Mutated_answers_are_decoded_or_refused()
    {
        int cases = Variable(CasesVariable, CasesOfAnyRun);
        int first = Variable(SeedVariable, 1);
        int current = first;
        int decoded = 0;
        Task run = Task.Run(() =>
        {
            for (int i = 0; i < cases; i++)
            {
                int seed = unchecked(first + i);
                Volatile.Write(ref current, seed);
                decoded += Run(seed) ? 1 : 0;
            }
        }, TestContext.Current.CancellationToken);
        while (!run.IsCompleted)
        {
            int before = Volatile.Read(ref current);
            await Task.WhenAny(run, Task.Delay(s_longestCase, TestContext.Current.CancellationToken));
            Assert.True(
                run.IsCompleted || Volatile.Read(ref current) != before,
                $"The case of seed {before} hangs. Replay it with {SeedVariable}={before} {CasesVariable}=1.");
        }

        await run;
        // neither are all mutations harmless, nor do all of them end at the first byte
        Assert.True(cases < 1000 || (decoded > cases / 100 && decoded < cases * 9 / 10), $"{decoded} of {cases} were decoded.");
        TestContext.Current.SendDiagnosticMessage($"{cases} cases from seed {first}: {decoded} decoded, {cases - decoded} refused.");
    }

    private static bool Run(int seed)
    {
        var random = new Random(seed);
        IReadOnlyList<RecordedAnswer> seeds = RecordedAnswer.All;
        RecordedAnswer answer = seeds[random.Next(seeds.Count)];
        byte[] mutated = Mutation.Of(answer.Bytes, seeds[random.Next(seeds.Count)].Bytes, random);
        // now and then in the other format's decoder
        WireFormat format = random.Next(50) == 0 ? (WireFormat)random.Next(2) : answer.Format;
        try
        {
            return DecodingOracle.Check(format, mutated);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"The case of seed {seed} ({answer.Name}) fails. Replay it with {SeedVariable}={seed} {CasesVariable}=1.", e);
        }
    }

    private static int Variable(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
