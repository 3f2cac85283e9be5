using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// What every lease store must do, as named cases. To test a store of your own, run each case on a table of its own, in any test framework:
/// <code>
/// foreach (LeaseStoreConformance.Case test in LeaseStoreConformance.Cases)
/// {
///     await test.RunAsync(new MyTable(), cancellationToken);
/// }
/// </code>
/// </summary>
/// <remarks>
/// Not tested, for it needs a table that fails: that a store sends each write once, and says <see cref="LeaseWrite.Outcome.Unknown"/>
/// whenever a
/// write may have taken effect without an answer.
/// </remarks>
public static class LeaseStoreConformance
{
    /// <summary>All cases. Their names are stable and unique.</summary>
    public static IReadOnlyList<Case> Cases { get; } =
    [
        .. LeaseStoreCases.Rows(),
        .. LeaseStoreCases.Writes(),
        .. LeaseStoreCases.Races(),
    ];

    /// <summary>One case.</summary>
    public sealed class Case
    {
        private readonly Func<LeaseStoreRun, Task> _run;

        internal Case(string name, Func<LeaseStoreRun, Task> run)
        {
            Name = name;
            _run = run;
        }

        /// <summary>What the store must do, in words.</summary>
        public string Name { get; }

        /// <summary>Runs the case on an empty table.</summary>
        /// <param name="table">The table; nobody else uses it.</param>
        /// <param name="cancellationToken">Ends the run.</param>
        /// <exception cref="LeaseStoreConformanceException">The store does not do it.</exception>
        public async Task RunAsync(LeaseStoreUnderTest table, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(table);
            await using ILeaseStore store = table.Open();
            await store.PrepareAsync(cancellationToken);
            await _run(new LeaseStoreRun(Name, table, store, cancellationToken));
        }

        /// <inheritdoc/>
        public override string ToString() => Name;
    }
}
