namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Where a record went.</summary>
public sealed record ProducedRecord(string ShardId, string SequenceNumber);
