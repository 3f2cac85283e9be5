using FastConsumer.Checkpoints;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>
/// What every store of checkpoints must do, as named cases. To test a store of your own, run each case on an empty place of its own, in any
/// test framework:
/// <code>
/// foreach (CheckpointStoreConformance.Case test in CheckpointStoreConformance.Cases)
/// {
///     await test.RunAsync(new MyPlace(), cancellationToken);
/// }
/// </code>
/// </summary>
/// <remarks>
/// Not tested, for it needs a medium that fails: that an object outlasts a loss of power, that what a crash leaves half-written is not
/// seen, and that a repetition after a lost answer succeeds.
/// </remarks>
public static class CheckpointStoreConformance
{
    /// <summary>All cases. Their names are stable and unique.</summary>
    public static IReadOnlyList<Case> Cases { get; } =
    [
        .. CheckpointObjectCases.All(),
        .. CheckpointListCases.All(),
        .. CheckpointRaceCases.All(),
    ];

    /// <summary>One case.</summary>
    public sealed class Case
    {
        private readonly Func<CheckpointStoreRun, Task> _run;

        internal Case(string name, Func<CheckpointStoreRun, Task> run)
        {
            Name = name;
            _run = run;
        }

        /// <summary>What the store must do, in words.</summary>
        public string Name { get; }

        /// <summary>Runs the case on an empty place.</summary>
        /// <param name="place">The place; nobody else uses it.</param>
        /// <param name="cancellationToken">Ends the run.</param>
        /// <exception cref="CheckpointStoreConformanceException">The store does not do it.</exception>
        public async Task RunAsync(CheckpointStoreUnderTest place, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(place);
            await using var run = new CheckpointStoreRun(Name, place, cancellationToken);
            try
            {
                await run.Store.PrepareAsync(cancellationToken);
                await _run(run);
            }
            catch (CheckpointStoreException exception)
            {
                throw run.Unexpected(exception);
            }
        }

        /// <inheritdoc/>
        public override string ToString() => Name;
    }
}
