using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2001Tests
{
    [Theory]
    [InlineData("throw new InvalidOperationException();", "InvalidOperationException")]
    [InlineData("_ = text.Length > 3 ? text : throw new InvalidOperationException();", "InvalidOperationException")]
    [InlineData("Check(text);", "InvalidDataException (from P.Check)")]
    [InlineData("int.Parse(text);", "FormatException (from Int32.Parse), OverflowException (from Int32.Parse)")]
    [InlineData("try { Check(text); } catch (IOException) { store.Save(\"\"); }", "InvalidDataException")]
    [InlineData("try { Check(text); } catch (Exception) { throw; }", "InvalidDataException")]
    [InlineData("try { Check(text); } catch (Exception e) { log.LogError(e, \"\"); throw e; }", "InvalidDataException")]
    [InlineData("try { store.Save(text); } catch (TimeoutException) { throw; }", "TimeoutException")]
    [InlineData("try { Check(text); } catch (Exception e) when (e is IOException) { store.Save(\"\"); }", "InvalidDataException")]
    [InlineData(
        "try { Check(text); } catch (InvalidDataException e) when (e.Message == \"\") { store.Save(\"\"); }", "InvalidDataException")]
    [InlineData("void Local() => throw new TimeoutException(); Local();", "TimeoutException")]
    [InlineData("Console.WriteLine(text.Split(',').Select(part => int.Parse(part)).Sum());", "FormatException")]
    [InlineData("Recurse(text);", "TimeoutException")]
    [InlineData("Console.WriteLine(Length);", "TimeoutException (from P.Length)")]
    [InlineData("Parallel.ForEach(text.Split(','), part => Check(part));", "InvalidDataException")]
    [InlineData("Console.WriteLine(_map[text]);", "KeyNotFoundException (from Dictionary[...])")]
    [InlineData("_map[text]++;", "KeyNotFoundException")]
    [InlineData("IReadOnlyDictionary<string, int> map = _map; Console.WriteLine(map[text]);", "KeyNotFoundException")]
    [InlineData("Console.WriteLine(s_names[text.Length]);", "KeyNotFoundException")]
    [InlineData("Console.WriteLine(Convert.ToInt32(text));", "FormatException (from Convert.ToInt32)")]
    [InlineData("Console.WriteLine(new Uri(text));", "UriFormatException (from new Uri)")]
    [InlineData("Console.WriteLine(new Uri($\"https://{text}/a\"));", "UriFormatException")]
    public async Task An_exception_without_a_policy_is_reported(string body, string types) =>
        Assert.Contains(
            types, Assert.Single(await RuleVerifier.VerifyBodyAsync("FC2001", Source("[|Handle|]", body))), StringComparison.Ordinal);

    [Theory]
    [InlineData("store.Save(text);")]
    [InlineData("throw new OperationCanceledException();")]
    [InlineData("ArgumentNullException.ThrowIfNull(text);")]
    [InlineData("try { Check(text); } catch (InvalidDataException) { store.Save(\"\"); }")]
    [InlineData("try { Check(text); } catch (Exception e) when (e is not OperationCanceledException) { store.Save(\"\"); }")]
    [InlineData("try { Check(text); } catch (Exception e) when (e is IOException or InvalidDataException) { store.Save(\"\"); }")]
    [InlineData("Func<int> later = () => throw new TimeoutException(); Console.WriteLine(later);")]
    [InlineData("void Unused() => throw new TimeoutException();")]
    [InlineData("Console.WriteLine(int.TryParse(text, out int number) ? number : 0);")]
    [InlineData("Console.WriteLine(int.Parse(\"42\") + Guid.Parse(\"8d2a\").ToString() + TimeSpan.Parse(Text));")]
    [InlineData("Console.WriteLine(new Uri(\"https://example.org\"));")]
    [InlineData("Console.WriteLine(new Uri($\"https://example.org/{text}\"));")]
    [InlineData("Console.WriteLine(new Uri(\"https://example.org/\" + text));")]
    [InlineData("Console.WriteLine(new Uri(text, UriKind.RelativeOrAbsolute));")]
    [InlineData("Console.WriteLine(Convert.ToInt32(text.Length) + Convert.ToInt32(2.5));")]
    [InlineData("if (_map.ContainsKey(text)) Console.WriteLine(_map[text]);")]
    [InlineData("if (!_map.TryGetValue(text, out int n)) { _map[text] = 1; } Console.WriteLine(n + _map[text]);")]
    [InlineData("_map.TryAdd(text, 0); _map[text]++;")]
    [InlineData("_map[text] = 1;")]
    [InlineData("foreach (string key in _map.Keys) Console.WriteLine(_map[key]);")]
    [InlineData("foreach (var pair in _map) Console.WriteLine(_map[pair.Key]);")]
    [InlineData("foreach (string key in _map.Keys.ToList()) _map[key]++;")]
    [InlineData("Console.WriteLine(s_names[1]);")]
    [InlineData("var node = System.Text.Json.Nodes.JsonNode.Parse(\"{}\")!.AsObject(); Console.WriteLine(node[text]);")]
    [InlineData("Console.WriteLine(new System.Collections.Specialized.NameValueCollection()[text]);")]
    public Task What_cannot_leave_is_not(string body) => RuleVerifier.VerifyBodyAsync("FC2001", Source("Handle", body));

    [Theory]
    [InlineData("[OnError(typeof(InvalidDataException), ErrorAction.Stop)]", "")]
    [InlineData("[OnError(typeof(SystemException), ErrorAction.Stop)]", "")]
    [InlineData("", "[OnError(typeof(Exception), ErrorAction.DeadLetter)]")]
    public Task A_policy_on_method_or_class_is_one(string onMethod, string onClass) =>
        RuleVerifier.VerifyBodyAsync("FC2001", Source("Handle", "Check(text);", onMethod, onClass));

    [Fact]
    public Task A_policy_of_the_assembly_is_one() => RuleVerifier.VerifyBodyAsync(
        "FC2001",
        Source("Handle", "Check(text);").Replace(
            "public interface IStore",
            "[assembly: OnError(typeof(InvalidDataException), ErrorAction.Stop)] public interface IStore",
            StringComparison.Ordinal));

    [Theory]
    [InlineData("[OnError(typeof(IOException), ErrorAction.Stop)]")]
    [InlineData("[OnError(typeof(FileNotFoundException), ErrorAction.Stop)]")]
    public Task A_policy_for_other_types_is_none(string policy) =>
        RuleVerifier.VerifyBodyAsync("FC2001", Source("[|Handle|]", "Check(text);", policy));

    private static string Source(string handler, string body, string onMethod = "", string onClass = "") => HandlerSource.Of(
        $$"""
        [OnRecord] {{onMethod}} void {{handler}}(string text) { {{body}} }
        static void Check(string text) { if (text.Length == 0) throw new InvalidDataException(); }
        const string Text = "00:00:05"; readonly Dictionary<string, int> _map = [];
        static readonly Dictionary<int, string> s_names = new() { [1] = "a" };
        static int Length => throw new TimeoutException();
        static void Recurse(string text) { if (text.Length == 0) throw new TimeoutException(); Recurse(text); }
        """,
        onClass);
}
