using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC4003Tests
{
    [Theory]
    [InlineData("[[|OnError(typeof(FormatException), ErrorAction.Retry)|]]")]
    [InlineData("[[|OnError(typeof(JsonException), ErrorAction.Retry, MaxBackoff = \"00:01:00\")|]]")]
    [InlineData("[[|OnError(typeof(Exception), ErrorAction.Retry)|]]")]
    [InlineData("[OnError(typeof(TimeoutException), ErrorAction.Stop)] [[|OnError(typeof(SystemException), ErrorAction.Retry)|]]")]
    [InlineData("[OnError(typeof(OverflowException), ErrorAction.Skip)] [[|OnError(typeof(Exception), ErrorAction.Retry)|]]")]
    public Task What_never_succeeds_and_is_retried_for_ever_is_reported(string policies) =>
        RuleVerifier.VerifyBodyAsync("FC4003", Source(policies));

    [Theory]
    [InlineData("Console.WriteLine(_map[text]);", "[[|OnError(typeof(Exception), ErrorAction.Retry)|]]")]
    [InlineData("Console.WriteLine(new Uri(text));", "[[|OnError(typeof(Exception), ErrorAction.Retry)|]]")]
    [InlineData("if (_map.ContainsKey(text)) Console.WriteLine(_map[text]);", "[OnError(typeof(Exception), ErrorAction.Retry)]")]
    [InlineData("Console.WriteLine(int.Parse(\"42\"));", "[OnError(typeof(Exception), ErrorAction.Retry)]")]
    public Task What_FC2001_would_not_report_does_not_count(string body, string policies) => RuleVerifier.VerifyBodyAsync(
        "FC4003",
        HandlerSource.Of($"readonly Dictionary<string, int> _map = []; [OnRecord] void Handle(string text) {{ {body} }}", policies));

    [Theory]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 4)]")]
    [InlineData("[OnError(typeof(FormatException), ErrorAction.DeadLetter)] [OnError(typeof(OverflowException), ErrorAction.DeadLetter)] "
        + "[OnError(typeof(Exception), ErrorAction.Retry)]")]
    [InlineData("[OnError(typeof(Exception), ErrorAction.Stop)]")]
    [InlineData("[OnError(typeof(TimeoutException), ErrorAction.Retry)] [OnError(typeof(Exception), ErrorAction.Skip)]")]
    public Task What_has_a_bound_or_may_pass_is_fine(string policies) => RuleVerifier.VerifyBodyAsync("FC4003", Source(policies));

    private static string Source(string policies) =>
        HandlerSource.Of(
            "[OnRecord] void Handle(string text) => Console.WriteLine(int.Parse(text));",
            policies.Contains("typeof(Exception)", StringComparison.Ordinal)
            ? policies
            : policies + " [OnError(typeof(Exception), ErrorAction.Stop)]");
}
