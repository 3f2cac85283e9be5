namespace FastConsumer;

/// <summary>
/// Marks a parameter of a handler that is the transaction of an <see cref="IPositionStore{TTransaction}"/>, where its type does not say so:
/// a type derived from <see cref="System.Data.Common.DbTransaction"/> needs no mark; a <c>DbContext</c> of EF Core does.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class SinkTransactionAttribute : Attribute;
