namespace FastConsumer.Testing;

/// <summary>What the runs of all conformance suites ask for in the same way.</summary>
/// <param name="name">The case's name.</param>
internal abstract class ConformanceRun(string name)
{
    protected string CaseName => name;

    /// <summary>The store as it describes itself.</summary>
    protected abstract string Described { get; }

    public void Require(bool condition, string found)
    {
        if (!condition)
        {
            throw Failure($"{Described} does not conform. {CaseName}: {found}.");
        }
    }

    public async Task RequireThrowsAsync<TException>(Func<Task> call, string what)
        where TException : Exception
    {
        try
        {
            await call();
        }
        catch (TException)
        {
            return;
        }
        catch (Exception e)
        {
            Require(false, $"{what} threw {e.GetType().Name} ({e.Message}), where {typeof(TException).Name} is expected");
        }

        Require(false, $"{what} threw nothing, where {typeof(TException).Name} is expected");
    }

    public Task RequireCancelledAsync(Func<Task> call, string what) => RequireThrowsAsync<OperationCanceledException>(call, what);

    /// <summary>The suite's own exception.</summary>
    protected abstract Exception Failure(string message);
}
