namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A record for <see cref="SdkProducer.PutRecordsAsync"/>.</summary>
public sealed record RecordToPut(string PartitionKey, ReadOnlyMemory<byte> Data, UInt128? ExplicitHashKey = null);
