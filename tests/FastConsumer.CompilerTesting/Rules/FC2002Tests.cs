using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC2002Tests
{
    [Theory]
    [InlineData("try { store.Save(text); } [|catch|] { }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { log.LogError(e, \"\"); }")]
    [InlineData("try { store.Save(text); } [|catch (IOException)|] { return; }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] when (e is IOException) { Console.WriteLine(e); }")]
    [InlineData("foreach (char c in text) { try { store.Save(text); } [|catch (Exception)|] { continue; } }")]
    [InlineData("for (int i = 0; i < 3; i++) { try { store.Save(text); return; } [|catch (Exception)|] { } }")]
    [InlineData("try { store.Save(text); } [|catch (OwnException e)|] { log.LogWarning(e, \"\"); }")]
    [InlineData("try { store.Save(text); } [|catch (Exception e)|] { Log(e); } log.LogInformation(\"done\");")]
    [InlineData("text.Split(',').ToList().ForEach(part => { try { store.Save(part); } [|catch (Exception)|] { } });")]
    [InlineData("try { store.Save(text); } [|catch (Exception)|] { } Local(); void Local() { store.Save(\"\"); }")]
    [InlineData("switch (text) { case \"a\": try { store.Save(text); } [|catch (Exception)|] { } break; default: break; }")]
    [InlineData("async Task LocalAsync() { try { await store.SaveAsync(text); } [|catch (Exception)|] { } } LocalAsync().ContinueWith(_ => { }).ContinueWith(_ => { }).AsyncState?.ToString();")]
    [InlineData("Parallel.ForEach(text.Split(','), part => { try { store.Save(part); } [|catch (Exception e)|] { Console.WriteLine(e); } });")]
    [InlineData("void Local() { try { store.Save(text); } [|catch (TimeoutException)|] { } } Local();")]
    [InlineData("try { try { store.Save(text); } [|catch (Exception)|] { } } finally { Console.WriteLine(); }")]
    [InlineData("string? found = null; try { found = store.ToString(); } [|catch (Exception e)|] { log.LogError(e, \"\"); } log.LogInformation(found ?? \"nothing\");")]
    [InlineData("string? found = null; string? other = null; try { found = store.ToString(); } [|catch (Exception e)|] { log.LogError(e, \"\"); } other ??= found; store.Save(text);")]
    public Task What_ends_as_done_is_reported(string body) => RuleVerifier.VerifyBodyAsync("FC2002", Source(body));

    [Theory]
    [InlineData("try { store.Save(text); } catch (Exception e) { log.LogError(e, \"\"); throw; }")]
    [InlineData("try { store.Save(text); } catch (OwnException) { log.LogInformation(\"known\"); }")]
    [InlineData("try { store.Save(text); } catch (Exception) { store.Save(\"failed\"); }")]
    [InlineData("bool failed = false; try { store.Save(text); } catch (Exception) { failed = true; } if (failed) store.Save(\"\");")]
    [InlineData("bool done = false; try { store.Save(text); done = true; } catch (Exception) { } if (!done) throw new OperationCanceledException();")]
    [InlineData("while (true) { try { store.Save(text); break; } catch (Exception) { } }")]
    [InlineData("for (;;) { try { store.Save(text); return; } catch (Exception) { Console.WriteLine(); } }")]
    [InlineData("for (int i = 0; i < 3; i++) { try { store.Save(text); return; } catch (Exception) { } } store.Save(\"given up\");")]
    [InlineData("try { store.Save(text); } catch (IOException e) when (e.HResult == 5) { }")]
    [InlineData("Console.WriteLine(Try(text));")]
    [InlineData("try { store.Save(text); } finally { Console.WriteLine(); }")]
    [InlineData("try { File.Delete(text); } catch (IOException) { }")]
    [InlineData("switch (text) { case \"a\": try { store.Save(text); } catch (Exception) { } throw new OperationCanceledException(); default: break; }")]
    [InlineData("try { store.Save(text); } catch (Exception) { try { store.Save(\"dead\"); } catch (Exception) { } throw; }")]
    [InlineData("string? found = null; try { found = store.ToString(); } catch (Exception e) { log.LogWarning(e, \"\"); } found ??= text; store.Save(found);")]
    [InlineData("string? found = null; try { found = store.ToString(); } catch (Exception e) { log.LogWarning(e, \"\"); } store.Save(found ?? text);")]
    public Task What_handles_retries_or_tells_is_not(string body) => RuleVerifier.VerifyBodyAsync("FC2002", Source(body));

    private static string Source(string body) => HandlerSource.Of(
        $$"""
        class OwnException : Exception { }
        [OnRecord] void Handle(string text) { {{body}} }
        bool Try(string text) { try { store.Save(text); return true; } catch (Exception) { return false; } }
        void Log(Exception e) => log.LogError(e, "");
        void NoHandler() { Log(new OwnException()); try { store.Save(""); } catch { } }
        """);
}
