using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>
/// The logger of all that a worker runs: what the application's logger throws is caught, and each entry says where it belongs
/// (<see cref="ContextLogger"/>).
/// </summary>
/// <param name="inner">The application's.</param>
/// <param name="guard">Told what it throws.</param>
internal sealed class GuardedLogger(ILogger inner, CallbackGuard guard) : ILogger
{
    /// <summary>The logger of a worker.</summary>
    public static GuardedLogger For(ILogger log, CallbackGuard guard, string application, string stream, string processor) =>
        new(ContextLogger.ForWorker(log, application, stream, processor), guard);

    /// <summary>The same for one shard.</summary>
    public GuardedLogger ForShard(string shardId) => new(ContextLogger.With(inner, ContextLogger.Shard, shardId), guard);

    /// <inheritdoc cref="ContextLogger.BeginScope(ILogger)"/>
    public IDisposable? OpenScope()
    {
        CallbackGuard.Call call = guard.Enter(CallbackGuard.Logger);
        try
        {
            return ContextLogger.BeginScope(inner) is { } scope ? new Scope(scope, guard) : null;
        }
        catch (Exception e)
        {
            guard.Failed(CallbackGuard.Logger, e);
            return null;
        }
        finally
        {
            CallbackGuard.Leave(call);
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        CallbackGuard.Call call = guard.Enter(CallbackGuard.Logger);
        try
        {
            return inner.IsEnabled(logLevel);
        }
        catch (Exception e)
        {
            guard.Failed(CallbackGuard.Logger, e);
            return false;
        }
        finally
        {
            CallbackGuard.Leave(call);
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        CallbackGuard.Call call = guard.Enter(CallbackGuard.Logger);
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception e)
        {
            guard.Failed(CallbackGuard.Logger, e);
        }
        finally
        {
            CallbackGuard.Leave(call);
        }
    }

    private sealed class Scope(IDisposable inner, CallbackGuard guard) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                inner.Dispose();
            }
            catch (Exception e)
            {
                guard.Failed(CallbackGuard.Logger, e);
            }
        }
    }
}
