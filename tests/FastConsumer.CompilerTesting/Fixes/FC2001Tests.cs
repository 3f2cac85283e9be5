using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2001Tests
{
    private const string Body =
        """
        public async Task HandleAsync(string text, [FromServices] HttpClient http)
        {
            await http.GetStringAsync(text);
            int.Parse(text);
        }
        """;

    [Fact]
    public Task Adds_a_policy_for_each() => FixVerifier.VerifyAsync(
        "FC2001",
        FixSource.Of($"[OnRecord]\n{Body}"),
        FixSource.Of(
            $"""
            [OnRecord]
            [OnError(typeof(OverflowException), ErrorAction.DeadLetter)]
            [OnError(typeof(FormatException), ErrorAction.DeadLetter)]
            [OnError(typeof(HttpRequestException), ErrorAction.Retry)]
            {Body}
            """),
        "Add a policy for each exception");

    [Fact]
    public Task Adds_one_for_all() => FixVerifier.VerifyAsync(
        "FC2001",
        FixSource.Of($"[OnRecord]\n{Body}"),
        FixSource.Of($"[OnRecord]\n[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.Stop)]\n{Body}"),
        "Add one policy for every exception");

    [Theory]
    [InlineData("GenericException<T>", "class GenericException<T> : Exception { }")]
    [InlineData(
        "Inner.HiddenException",
        "class Inner { class HiddenException : Exception { } public static void Throw() => throw new HiddenException(); }")]
    public async Task Names_no_type_that_an_attribute_cannot(string type, string declaration)
    {
        string body = type.StartsWith("Inner", StringComparison.Ordinal) ? "Inner.Throw()" : "Throw<int>()";
        string members = $"public void Handle(string text) => {body};\nstatic void Throw<T>() => throw new "
            + $"{(type.StartsWith("Inner", StringComparison.Ordinal) ? "TimeoutException" : type)}();\n{declaration}";
        await FixVerifier.VerifyAsync(
            "FC2001",
            FixSource.Of($"[OnRecord]\n{members}"),
            FixSource.Of(
                $"[OnRecord]\n[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.Stop)]\n{members}"));
    }

    [Fact]
    public Task Adds_them_to_all_handlers() => FixVerifier.VerifyAllAsync(
        "FC2001",
        Routed(""),
        Routed("    [OnError(typeof(TimeoutException), ErrorAction.Retry)]\n"),
        "Add a policy for each exception");

    private static string Routed(string policy) =>
        $$"""
        using FastConsumer;

        [KinesisProcessor("s", RouteProperty = "type")]
        partial class P
        {
            [OnRecord(Route = "a")]
        {{policy}}    public void A(string text) => throw new TimeoutException();

            [OnRecord]
        {{policy}}    public void B(string text) => throw new TimeoutException();
        }

        """;
}
