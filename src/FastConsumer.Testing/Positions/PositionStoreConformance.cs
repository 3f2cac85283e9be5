namespace FastConsumer.Testing.Positions;

/// <summary>
/// What every store of positions must do, as named cases. To test a store of your own, run each case on an empty place of its own, in any
/// test framework:
/// <code>
/// foreach (PositionStoreConformance.Case test in PositionStoreConformance.Cases)
/// {
///     await test.RunAsync(new MyPlace(), cancellationToken);
/// }
/// </code>
/// </summary>
/// <remarks>
/// Not tested, for it needs a wire that fails: that a COMMIT which is held up, and lands after its repetition, changes nothing; and that a
/// frozen owner's locks are freed in time.
/// </remarks>
public static class PositionStoreConformance
{
    /// <summary>
    /// All cases. Their names are stable and unique. Those that begin with <c>For outputs:</c> are not for a store that serves handlers
    /// only, and does not implement <c>CommitAsync</c> with a row.
    /// </summary>
    public static IReadOnlyList<Case> Cases { get; } =
    [
        .. PositionRowCases.All(),
        .. PositionCommitCases.All(),
        .. PositionRaceCases.All(),
        .. PositionOutputCases.All(),
    ];

    /// <summary>One case.</summary>
    public sealed class Case
    {
        private readonly Func<PositionStoreRun, Task> _run;

        internal Case(string name, Func<PositionStoreRun, Task> run)
        {
            Name = name;
            _run = run;
        }

        /// <summary>What the store must do, in words.</summary>
        public string Name { get; }

        /// <summary>Runs the case on an empty place.</summary>
        /// <param name="place">The place; nobody else uses it.</param>
        /// <param name="cancellationToken">Ends the run; a store that waits where it must not ends by this only.</param>
        /// <exception cref="PositionStoreConformanceException">The store does not do it.</exception>
        public async Task RunAsync(PositionStoreUnderTest place, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(place);
            await using OpenedPositionStore store = place.OpenStore();
            await store.Store.PrepareAsync(cancellationToken);
            await _run(new PositionStoreRun(Name, place, store, cancellationToken));
        }

        /// <inheritdoc/>
        public override string ToString() => Name;
    }
}
