using System.Diagnostics;
using System.Globalization;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Simulation;

/// <summary>The one thread of a run of the user's processor, and a look from outside at whether it gets on.</summary>
internal sealed class SimulationThread(
    int seed, ClusterSimulationOptions options, ProcessorRegistration processor, Func<TimeProvider, ServiceProvider> provide)
{
    private readonly TaskCompletionSource<SimulationOutcome> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProcessorRun? _run;

    /// <summary>Runs to the end.</summary>
    /// <exception cref="SimulationFailedException">It has failed, or does not get on.</exception>
    public async Task<SimulationOutcome> RunAsync()
    {
        var thread = new Thread(Run)
        {
            IsBackground = true,
            Name = string.Create(CultureInfo.InvariantCulture, $"FastConsumer simulation of seed {seed}"),
        };
        thread.Start();
        long before = -1;
        while (true)
        {
            Task passed = _end.Task.WaitAsync(options.BlockedAfter, TimeProvider.System);
            await passed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_end.Task.IsCompleted)
            {
                return await _end.Task.ConfigureAwait(false);
            }

            long tasks = Volatile.Read(ref _run)?.Tasks ?? 0;
            if (tasks == before && !Debugger.IsAttached)
            {
                throw new SimulationFailedException(
                    seed,
                    $"Seed {seed} of {processor.Name} does not get on: a handler, a service or "
                        + $"{nameof(ClusterSimulationOptions.Verify)} has held the run's only thread for {options.BlockedAfter}. "
                        + "A handler waits with await, and by the TimeProvider of its services.",
                    passed.Exception?.InnerException ?? new TimeoutException());
            }

            before = tasks;
        }
    }

    private void Run()
    {
        try
        {
            _end.SetResult(Live());
        }
        catch (Exception e)
        {
            _end.SetException(e);
        }
    }

    private SimulationOutcome Live()
    {
        var run = new ProcessorRun(seed, options, processor, provide);
        Volatile.Write(ref _run, run);
        SimulationOutcome outcome;
        try
        {
            outcome = run.Live();
            options.Verify?.Invoke(outcome);
        }
        catch (Exception e)
        {
            // the services stay as they are: what they say while they are disposed would hide this
            throw new SimulationFailedException(seed, run.Describe(e), e);
        }

        run.Dispose();
        return outcome;
    }
}
