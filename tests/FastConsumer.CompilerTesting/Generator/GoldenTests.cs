using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Generator;

/// <summary>
/// What is generated, word by word. After a change that is meant, run with FASTCONSUMER_UPDATE_GOLDEN=1 and read the
/// difference; never in CI.
/// </summary>
public sealed class GoldenTests
{
    public static TheoryData<string> Cases => [.. GoldenCase.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Generated_code_is_as_agreed(string name)
    {
        var golden = new GoldenCase(name);
        Dictionary<string, string> actual = GoldenCase.Actual(GeneratorRun.Of(golden.Compile()));
        bool update = Environment.GetEnvironmentVariable("FASTCONSUMER_UPDATE_GOLDEN") == "1";
        if (update)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "Golden files are not updated in CI.");
            golden.Accept(actual);
        }

        Dictionary<string, string> expected = golden.Expected();
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach ((string file, string text) in expected)
        {
            Assert.Equal(text, actual[file]);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Generated_code_compiles_without_warnings(string name) =>
        Assert.Empty(GeneratorRun.Of(new GoldenCase(name).Compile()).CompilerDiagnostics);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Generated_code_ends_its_lines_alike_on_every_machine(string name)
    {
        foreach (string text in GoldenCase.Actual(GeneratorRun.Of(new GoldenCase(name).Compile())).Values)
        {
            Assert.DoesNotContain('\r', text);
            Assert.DoesNotContain(text.Split('\n'), line => line.EndsWith(' '));
        }
    }
}
