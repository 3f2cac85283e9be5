namespace FastConsumer.Shared.ThrottlingDynamoDb;

/// <summary>What went through the proxy so far.</summary>
/// <param name="Requests">Requests of every kind.</param>
/// <param name="WriteUnits">Write units of the writes that were let through.</param>
/// <param name="ThrottledWrites">Writes that were not, each statement of a batch by itself.</param>
/// <param name="Cut">Requests whose connection was cut.</param>
public readonly record struct ThrottlingCounts(long Requests, long WriteUnits, long ThrottledWrites, long Cut);
