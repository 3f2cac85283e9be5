using FastConsumer.Diagnostics;
using FastConsumer.Processors;
using FastConsumer.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>
/// Makes one instance of a processor, and looks up each service that its methods take, before the worker takes its first lease: what the
/// host's services cannot make is told at start, by name, and not by the first shard or record.
/// </summary>
internal static class ProcessorTrial
{
    /// <summary>Tries, apart from the caller, so that a constructor that never returns does not outlive the caller's patience.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="services">The host's services.</param>
    /// <param name="log">Told where disposing of what was made fails.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What it has.</returns>
    /// <exception cref="InvalidOperationException">The processor or a service cannot be made.</exception>
    public static Task<Result> RunAsync(
        ProcessorRegistration processor,
        IServiceProvider services,
        ILogger log,
        CancellationToken cancellationToken) =>
        Task.Run(() => TryAsync(processor, services, log), CancellationToken.None).WaitAsync(cancellationToken);

    private static async Task<Result> TryAsync(
        ProcessorRegistration processor,
        IServiceProvider services,
        ILogger log)
    {
        IReadOnlyList<StateShape> states = [];
        IReadOnlyList<OutputFeed> outputs = [];
        await InScopeAsync(processor, services, log, scope =>
        {
            try
            {
                ProcessorState? state = processor.CreatePipeline(scope).State;
                (states, outputs) = (state?.Shapes ?? [], state?.Outputs ?? []);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(
                    $"{processor.Name} cannot be created: {e.Message.TrimEnd('.')}. Each shard gets an instance of its own, so none could "
                        + "be read. Register what its constructor takes in the host's services, or correct the constructor.",
                    e);
            }
        });

        foreach (ProcessorService service in processor.Services)
        {
            // in a scope of its own, as for a call
            await InScopeAsync(processor, services, log, scope => LookUp(processor, service, scope));
        }

        return new Result(states, outputs);
    }

    /// <summary>The states and the outputs of a processor.</summary>
    public sealed record Result(IReadOnlyList<StateShape> States, IReadOnlyList<OutputFeed> Outputs);

    private static void LookUp(ProcessorRegistration processor, ProcessorService service, IServiceProvider scope)
    {
        string parameter = $"{processor.Name}.{service.Method} takes the service {service.Type}"
            + $"{(service.Key is null ? "" : $" with the key '{service.Key}'")} (parameter '{service.Parameter}')";
        object? instance;
        try
        {
            instance = service.Key is null ? scope.GetService(service.Type)
                : scope is IKeyedServiceProvider keyed ? keyed.GetKeyedService(service.Type, service.Key)
                : throw new InvalidOperationException("The host's service provider knows no keys.");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{parameter}, which cannot be created: {e.Message}", e);
        }

        if (instance is null && service.IsRequired)
        {
            throw new InvalidOperationException(
                $"{parameter}, which is not registered. Register it in the host's services, or make the parameter nullable if the method "
                    + "can do without it.");
        }
    }

    private static async Task InScopeAsync(
        ProcessorRegistration processor, IServiceProvider services, ILogger log, Action<IServiceProvider> use)
    {
        AsyncServiceScope scope = services.CreateAsyncScope();
        try
        {
            use(scope.ServiceProvider);
        }
        finally
        {
            try
            {
                await scope.DisposeAsync();
            }
            catch (Exception e)
            {
                ConsumerLog.TrialNotDisposed(log, processor.Name, e);
            }
        }
    }
}
