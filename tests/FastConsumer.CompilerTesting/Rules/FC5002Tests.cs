using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC5002Tests
{
    [Theory]
    [InlineData("public class T { public int Count { get; set; } }", "'T.Count' has a setter")]
    [InlineData("public class T { public int Count; }", "the field 'T.Count' is not readonly")]
    [InlineData(
        "public class Basis { public int Count { get; internal set; } } public sealed class T : Basis;",
        "'Basis.Count' has a setter")]
    [InlineData("public sealed record T(List<int> Items);", "System.Collections.Generic.List<int> is a mutable collection")]
    [InlineData("public readonly record struct T(int[] Items);", "int[] is an array")]
    [InlineData("public struct T { public IDictionary<string, int> Map; }", "is a mutable collection")]
    [InlineData("public sealed record T(Inner? Inner); public class Inner { public int At { get; set; } }", "'Inner.At' has a setter")]
    [InlineData("public sealed record T(System.Collections.Immutable.ImmutableList<Inner> All); public class Inner { public int At; }",
        "'Inner.At' is not readonly")]
    public async Task A_value_that_changes_in_place_is_reported(string type, string reason)
    {
        foreach (string state in new[] { "KeyedState<T>", "KeyedMap<string, T>", "KeyedList<T>" })
        {
            Assert.Contains(
                reason,
                Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5002", Source(type, $"[|{state}|]"))),
                StringComparison.Ordinal);
        }

        string ofOutput = Assert.Single(await RuleVerifier.VerifyBodyAsync("FC5002", Source(type, "[|Output<T>|]", "Output")));
        Assert.Contains("of the output 'A' can be changed in place: ", ofOutput, StringComparison.Ordinal);
        Assert.Contains(reason, ofOutput, StringComparison.Ordinal);
        Assert.Contains("It is written after the call", ofOutput, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("public sealed record T(int Count, string Name, T? Next);")]
    [InlineData("public struct T { public int Count; public string? Name { get; set; } }")]
    [InlineData("public class T { public required int Count { get; init; } public DateTimeOffset At { get; private set; } }")]
    [InlineData("public sealed record T(System.Collections.Immutable.ImmutableArray<int> A, IReadOnlyList<int> B, (int C, string D) E);")]
    [InlineData("public sealed record T(int Count) { public List<int> Fresh => [Count]; private int[]? _cache; public int[] Get() => "
        + "_cache ??= []; public static List<int> All { get; } = []; }")]
    [InlineData("public enum T { A }")]
    public async Task A_value_that_does_not_is_fine(string type)
    {
        await RuleVerifier.VerifyBodyAsync("FC5002", Source(type, "KeyedState<T>"));
        await RuleVerifier.VerifyBodyAsync("FC5002", Source(type, "Output<T>", "Output"));
    }

    private static string Source(string type, string state, string attribute = "State") => StateSource.Of(
        $"{StateSource.Handler} [{attribute}(\"a\")] partial {state} A {{ get; }}",
        types: type + " [JsonSerializable(typeof(T))] partial class OfT : JsonSerializerContext;")
        .Replace("JsonContext = typeof(Json)", "JsonContext = typeof(OfT)", StringComparison.Ordinal)
        .Replace("static class Startup { static void Start() => Host.AddProcessor<P>(); }", "", StringComparison.Ordinal);
}
