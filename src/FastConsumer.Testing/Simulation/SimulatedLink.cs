namespace FastConsumer.Testing.Simulation;

/// <summary>What is wrong with a link.</summary>
internal enum LinkState
{
    Up,

    /// <summary>Connections are refused at once.</summary>
    Refused,

    /// <summary>What is sent gets nowhere, and nobody says so.</summary>
    Silent,
}

/// <summary>No answer came over a link: the request may have taken effect, may yet do so, or never will.</summary>
internal sealed class NoAnswerException(string message, bool wasSent) : Exception(message)
{
    /// <summary>False where it certainly got nowhere.</summary>
    public bool WasSent { get; } = wasSent;
}

/// <summary>
/// The network between one process and one service. A request takes its time to the service, where it is served whether or not
/// anybody still waits for it, and so does the answer; either may be lost.
/// </summary>
internal sealed class SimulatedLink(SimulationLoop loop, SimulatedProcess process, string service, Random random)
{
    private static readonly TimeSpan s_refusal = TimeSpan.FromMilliseconds(3);

    /// <summary>The shortest time one way.</summary>
    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>What is added to it on average.</summary>
    public TimeSpan Jitter { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How many times slower than usual it is now.</summary>
    public double Slowness { get; set; } = 1;

    public LinkState State { get; set; }

    /// <summary>The part of requests that get lost on the way.</summary>
    public double LostRequests { get; set; }

    /// <summary>The part of answers that do, the requests having been served.</summary>
    public double LostAnswers { get; set; }

    /// <summary>How long the client waits.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Told when something went wrong that a worker may notice.</summary>
    public Action? Troubled { get; set; }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <exception cref="NoAnswerException">None came.</exception>
    public async Task<T> CallAsync<T>(string what, Func<T> serve, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Slowness > 1)
        {
            Troubled?.Invoke();
        }

        // without the option: on a process's own scheduler those who wait are queued in any case
        var answer = new TaskCompletionSource<T>();
        if (State == LinkState.Refused)
        {
            Fail(answer, s_refusal, $"The connection for {what} to {service} was refused.", wasSent: false);
        }
        else
        {
            Fail(answer, Patience, $"{service} did not answer {what} within {Patience}.", wasSent: true);
            bool isLost = random.NextDouble() < LostRequests;
            TimeSpan travel = Travel();
            if (isLost || State == LinkState.Silent)
            {
                Note(isLost ? $"request {what} to {service} is lost" : $"request {what} to {service} gets nowhere");
            }
            else
            {
                loop.At(travel, () => Serve(what, serve, answer));
            }
        }

        using (cancellationToken.UnsafeRegister(_ => answer.TrySetCanceled(cancellationToken), null))
        {
            return await answer.Task;
        }
    }

    /// <summary>How long something takes one way now.</summary>
    public TimeSpan Travel() => (Latency - (Jitter * Math.Log(1 - random.NextDouble()))) * Slowness;

    private void Serve<T>(string what, Func<T> serve, TaskCompletionSource<T> answer)
    {
        if (State != LinkState.Up || (!process.IsAlive && random.Next(2) == 0))
        {
            Note($"request {what} to {service} gets stuck");
            return;
        }

        T result;
        try
        {
            result = serve();
        }
        catch (InvariantViolatedException e)
        {
            loop.Fail(e);
            return;
        }
        catch (Exception e)
        {
            loop.At(Travel(), () => process.Post(() => answer.TrySetException(e)));
            return;
        }

        if (random.NextDouble() < LostAnswers)
        {
            Note($"answer to {what} from {service} is lost");
            return;
        }

        loop.At(Travel(), () =>
        {
            if (State != LinkState.Up)
            {
                Note($"answer to {what} from {service} gets nowhere");
                return;
            }

            process.Post(() => answer.TrySetResult(result));
        });
    }

    private void Fail<T>(TaskCompletionSource<T> answer, TimeSpan after, string message, bool wasSent) => loop.At(after, () =>
    {
        if (answer.Task.IsCompleted)
        {
            return;
        }

        Troubled?.Invoke();
        process.Post(() => answer.TrySetException(new NoAnswerException(message, wasSent)));
    });

    private void Note(string text)
    {
        Troubled?.Invoke();
        loop.Trace.Add(process.Name, null, text);
    }
}
