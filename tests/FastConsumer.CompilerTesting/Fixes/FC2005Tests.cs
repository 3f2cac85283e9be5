using FastConsumer.CompilerTesting.Verification;

namespace FastConsumer.CompilerTesting.Fixes;

public sealed class FC2005Tests
{
    [Theory]
    [InlineData("_records.Add(record);", "_records.Add(record.ToOwned());")]
    [InlineData("_data = record.Data;", "_data = record.Data.ToArray();")]
    [InlineData("_data = record.Data[1..]; // the rest", "_data = record.Data[1..].ToArray(); // the rest")]
    [InlineData("_data = record.Data.IsEmpty ? default : record.Data;", "_data = (record.Data.IsEmpty ? default : record.Data).ToArray();")]
    public Task Keeps_a_copy(string before, string after) => FixVerifier.VerifyAsync("FC2005", Source(before), Source(after));

    [Fact]
    public Task Keeps_copies_of_all() => FixVerifier.VerifyAllAsync(
        "FC2005",
        Source("_records.Add(record); _data = record.Data;"),
        Source("_records.Add(record.ToOwned()); _data = record.Data.ToArray();"));

    [Theory]
    [InlineData("_any = (1, record);")]
    [InlineData("_any = () => record.Data.Length;")]
    [InlineData("ThreadPool.QueueUserWorkItem(_ => store.Save(record.PartitionKey));")]
    public Task Has_nothing_where_a_call_would_not_do(string body) => FixVerifier.VerifyNoneAsync("FC2005", Source(body));

    [Fact]
    public Task Fixes_the_others_where_the_first_has_no_fix() => FixVerifier.VerifyAllWithoutKeyAsync(
        "FC2005",
        FixSource.Of("Action? _later;\nKinesisRecord _last;\n[OnRecord]\npublic void Handle(KinesisRecord record)\n{\n"
            + "    _later = () => Console.WriteLine(record.SequenceNumber);\n    _last = record;\n}").Replace(
                "using FastConsumer;", "using FastConsumer;\nusing FastConsumer.Kinesis;", StringComparison.Ordinal),
        FixSource.Of("Action? _later;\nKinesisRecord _last;\n[OnRecord]\npublic void Handle(KinesisRecord record)\n"
            + "{\n    _later = () => Console.WriteLine(record.SequenceNumber);\n    _last = record.ToOwned();\n"
            + "}").Replace("using FastConsumer;", "using FastConsumer;\nusing FastConsumer.Kinesis;", StringComparison.Ordinal));

    private static string Source(string body) => FixSource.Of(
        $$"""
        List<KinesisRecord> _records = [];
        ReadOnlyMemory<byte> _data;
        object? _any;

        [OnRecord]
        public void Handle(KinesisRecord record)
        {
            {{body}}
        }
        """);
}
