using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Harness;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Tests.Docs;

/// <summary>docs/buffers.md: its snippets compile, and what it says of them holds.</summary>
public sealed partial class BufferTests
{
    private static ProcessorHarnessOptions Options => new() { CancellationToken = TestContext.Current.CancellationToken };

    private static string Tests => typeof(BufferTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static metadata => metadata.Key == "TestDirectory").Value!;

    [Fact]
    public async Task Each_snippet_is_compiled_here()
    {
        string compiled = string.Concat(
            Directory.EnumerateFiles(Path.Combine(Tests, "Docs"), "Buffer*.cs").Select(static file => Plain(File.ReadAllText(file))));
        string page = await File.ReadAllTextAsync(
            Path.Combine(Tests, "..", "..", "docs", "buffers.md"), TestContext.Current.CancellationToken);
        string[] snippets = [.. CSharpBlock().Matches(page).Select(static match => match.Groups["code"].Value)];

        Assert.NotEmpty(snippets);
        Assert.All(snippets, snippet => Assert.Contains(Plain(snippet), compiled, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_borrowed_may_be_awaited()
    {
        using var file = new MemoryStream();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Archive>(
            services => services.AddSingleton<Stream>(file), Options);

        harness.Put("a", "one ");
        harness.Put("a", "two");
        await harness.WaitUntilDoneAsync();

        Assert.Equal("one two", Encoding.UTF8.GetString(file.ToArray()));
    }

    [Fact]
    public async Task An_owned_copy_lives_on()
    {
        Dictionary<string, KinesisRecord> last = [];
        await using (ProcessorHarness harness = await ProcessorHarness.StartAsync<LastOfEachKey>(
            services => services.AddSingleton(last), Options))
        {
            harness.Put("a", "one");
            harness.Put("a", "two");
            await harness.WaitUntilDoneAsync();
        }

        Assert.Equal("two", Encoding.UTF8.GetString(last["a"].DataSpan));
    }

    [Fact]
    public async Task Payloads_of_a_batch_are_objects_of_their_own()
    {
        List<Reading> readings = [];
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<Meters>(
            services => services.AddSingleton(readings), Options);

        harness.Put("a", new Reading(1, 0.5), ReadingJson.Default.Reading);
        harness.Put("a", new Reading(2, 0.5), ReadingJson.Default.Reading);
        await harness.WaitUntilDoneAsync();

        Assert.Equal([1, 2], readings.Select(static reading => reading.Meter));
    }

    [Fact]
    public async Task A_kept_view_throws()
    {
        var kept = new Kept();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<KeepingProcessor>(
            services => services.AddSingleton(kept), Options);

        harness.Put("a", "one");
        await harness.WaitUntilDoneAsync();
        await harness.WaitUntilAsync(kept.IsRecordGone);
        await harness.WaitUntilAsync(kept.IsMemoryGone);
    }

    [Fact]
    public async Task A_kept_batch_throws_and_never_shows_a_later_one()
    {
        var kept = new Kept();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<KeepingBatchProcessor>(
            services => services.AddSingleton(kept), Options);

        harness.Put("a", "one");
        await harness.WaitUntilDoneAsync();

        await harness.WaitUntilAsync(kept.IsBatchGone);
    }

    [Fact]
    public void A_record_can_be_made_for_a_test()
    {
        KinesisRecord record = KinesisRecord.Create(
            """{"Meter":7,"Kilowatts":0.5}"""u8, partitionKey: "meter-7", SequenceNumber.Parse("1"));

        Assert.Equal(7, new ReadingReader().Deserialize(record).Meter);
    }

    private static string Plain(string code) =>
        string.Join('\n', code.Split('\n').Select(static line => line.Trim()).Where(static line => line.Length > 0))
            .Replace("internal ", "public ", StringComparison.Ordinal).Replace("private ", "public ", StringComparison.Ordinal);

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
