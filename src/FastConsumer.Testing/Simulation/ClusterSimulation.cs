using System.Diagnostics.CodeAnalysis;
using FastConsumer.Hosting;
using FastConsumer.Processors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Runs a processor on a simulated cluster: several workers, a stream, a lease table and the network between them, in virtual time and from
/// one seed. Workers crash, stand still and are cut off, shards split, the table throttles; then all is quiet, every record must be done,
/// and the test checks what its handlers have brought about. A seed that fails is named, and does the same again as often as it is run.
/// </summary>
/// <example>
/// <code>
/// await ClusterSimulation.RunAsync&lt;OrderProcessor&gt;(firstSeed: 1, seeds: 100, () =>
/// {
///     var orders = new Dictionary&lt;string, string&gt;();
///     return new ClusterSimulationOptions
///     {
///         Services = services => services.AddSingleton(orders),
///         Verify = outcome => Assert.Equal(outcome.Records.Count, orders.Count),
///     };
/// });
/// </code>
/// </example>
/// <remarks>
/// All of a run is on one thread, in an order that the seed chooses, so handlers need no locks, and must not leave that thread: they wait
/// by the <see cref="TimeProvider"/> of their services and without <c>ConfigureAwait(false)</c>, and neither start threads nor do I/O. What
/// does ends the run and says so. What they take from elsewhere, such as <c>Random.Shared</c> or the machine's clock, makes runs differ.
/// Delivery is what FastConsumer promises: at least once, in order by partition key; so a handler's effects must bear records that come
/// again.
/// </remarks>
public static class ClusterSimulation
{
    /// <summary>Runs one seed.</summary>
    /// <typeparam name="TProcessor">The processor.</typeparam>
    /// <param name="seed">Everything that happens comes from it.</param>
    /// <param name="options">The cluster, its faults, what handlers work on, and the check at the end.</param>
    /// <returns>What came of it; complete when the run is over, some ten milliseconds to seconds later.</returns>
    /// <exception cref="SimulationFailedException">
    /// Not every record was done, or <see cref="ClusterSimulationOptions.Verify"/> has thrown.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">
    /// The processor cannot be made of the services, or they have a consumer of their own; the message says what to change.
    /// </exception>
    public static async Task<SimulationOutcome> RunAsync<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(
        int seed, ClusterSimulationOptions options)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var processor = new ProcessorRegistration<TProcessor>();
        await TryAsync<TProcessor>(processor, options).ConfigureAwait(false);
        var run = new SimulationThread(seed, options, processor, clock => Provide<TProcessor>(options, clock));
        return await run.RunAsync().ConfigureAwait(false);
    }

    /// <summary>Runs several seeds, one after the other, up to the first that fails.</summary>
    /// <typeparam name="TProcessor">The processor.</typeparam>
    /// <param name="firstSeed">The first one.</param>
    /// <param name="seeds">How many, at least 1.</param>
    /// <param name="options">
    /// Makes the options of each run, and with them what its handlers work on: nothing is to be left from one to the next.
    /// </param>
    /// <exception cref="SimulationFailedException">A seed has failed; the message names it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="InvalidOperationException">
    /// The processor cannot be made of the services, or they have a consumer of their own; the message says what to change.
    /// </exception>
    public static async Task RunAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(
        int firstSeed, int seeds, Func<ClusterSimulationOptions> options)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstSeed, int.MaxValue - seeds);
        ArgumentNullException.ThrowIfNull(options);
        for (int i = 0; i < seeds; i++)
        {
            await RunAsync<TProcessor>(firstSeed + i, options()).ConfigureAwait(false);
        }
    }

    /// <summary>What the services cannot make is told before anything runs.</summary>
    private static async Task TryAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(
        ProcessorRegistration processor, ClusterSimulationOptions options)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        ServiceProvider services = Provide<TProcessor>(options, new ManualClock());
        await using (services.ConfigureAwait(false))
        {
            await ProcessorTrial.RunAsync(processor, services, NullLogger.Instance, CancellationToken.None).ConfigureAwait(false);
            if (processor.UsesDeadLetters && services.GetService<IDeadLetterSink>() is null)
            {
                throw new InvalidOperationException(
                    $"{processor.Name} has an error rule that writes dead letters. Register an {nameof(IDeadLetterSink)} in "
                        + $"{nameof(ClusterSimulationOptions)}.{nameof(ClusterSimulationOptions.Services)}.");
            }
        }
    }

    private static ServiceProvider Provide<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(
        ClusterSimulationOptions options, TimeProvider clock)
        where TProcessor : class
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(clock);
        services.AddTransient<TProcessor>();
        options.Services?.Invoke(services);
        if (services.Any(static service => service.ServiceType == typeof(HostConsumers)))
        {
            throw new InvalidOperationException(
                $"A simulation makes its consumers itself: leave AddFastConsumer out of {nameof(ClusterSimulationOptions)}."
                    + $"{nameof(ClusterSimulationOptions.Services)}, set {nameof(ClusterSimulationOptions)}, and register an "
                    + $"{nameof(IDeadLetterSink)} for dead letters.");
        }

        return services.BuildServiceProvider();
    }
}
