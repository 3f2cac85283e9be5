using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Rules;

public sealed class FC1007Tests
{
    [Theory]
    [InlineData("public class Orders { [[|OnRecord|]] public void Handle(string text) { } }")]
    [InlineData("public sealed partial class Orders { [[|OnBatch(MaxRecords = 5)|]] public void Handle(RecordBatch batch) { } }")]
    [InlineData("class Orders { [[|OnShardStarted|], [|OnStopping|]] void Move() { } }")]
    [InlineData("static class Orders { [[|FastConsumer.OnLeaseLostAttribute|]] static void Lost() { } }")]
    [InlineData("[[|Checkpoint(Records = 5)|]] [[|Concurrency(4)|]] class Orders { }")]
    [InlineData("[[|OnError(typeof(Exception), ErrorAction.Stop)|]] class Orders { [[|Filter|]] static bool Take(string text) => true; }")]
    [InlineData("abstract class Base { [[|OnStopping|]] protected void Stop() { } }")]
    [InlineData("record struct Orders { [[|OnRecord|]] public void Handle(string text) { } }")]
    [InlineData("partial class Orders { [[|State(\"a\")|]] partial KeyedState<int> A { get; } partial KeyedState<int> A => null!; }")]
    [InlineData("partial class Orders { [[|Output(\"a\")|]] partial Output<int> A { get; } partial Output<int> A => null!; }")]
    [InlineData("class Orders { [[|StateMigration(\"a\", From = 1)|]] static int A(int old) => old; }")]
    public Task An_attribute_outside_processors_is_reported(string source) => RuleVerifier.VerifyAsync("FC1007", Source(source));

    [Theory]
    [InlineData("abstract class Base { [OnStopping] protected void Stop() { } } [KinesisProcessor(\"s\")] partial class P : "
        + "Base { [OnRecord] void Handle(string text) { } }")]
    [InlineData("abstract class Base<T> { [OnStopping] protected void Stop() { } } class Middle : Base<int> { } "
        + "[KinesisProcessor(\"s\")] partial class P : Middle { [OnRecord] void Handle(string text) { } }")]
    [InlineData("public abstract class Base { [OnStopping] protected void Stop() { } }")]
    [InlineData("[AttributeUsage(AttributeTargets.Method)] class FilterAttribute : Attribute { } "
        + "class Own { [global::FilterAttribute] void A() { } }")]
    [InlineData("[Deserializer(typeof(Reader))] class Line { } class Reader : IRecordDeserializer<Line> { public Line "
        + "Deserialize(KinesisRecord record) => new(); }")]
    public Task One_that_is_read_is_fine(string source) => RuleVerifier.VerifyAsync("FC1007", Source(source));

    [Fact]
    public async Task The_message_names_the_class() => Assert.Equal(
        ["[OnRecord] has no effect here: 'Orders' is no processor, and no processor of this project derives from it. "
            + "Add [KinesisProcessor] to the class, or remove the attribute."],
        await RuleVerifier.VerifyAsync("FC1007", Source("class Orders { [[|OnRecord|]] void Handle(string text) { } }")));

    private static string Source(string members) => $"using FastConsumer;\n{members}\n";
}
