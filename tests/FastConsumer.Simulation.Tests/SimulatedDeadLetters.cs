using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>Where one worker's dead letters go: it takes its time, and fails at times until the world is quiet.</summary>
internal sealed class SimulatedDeadLetters(SimulatedWorker worker, DeliveryLedger ledger, Func<bool> isQuiet, Random random)
    : IDeadLetterSink
{
    public async ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 500)), worker.Process.Clock, cancellationToken);
        if (!isQuiet() && random.Next(4) == 0)
        {
            throw new IOException("The place for dead letters fails, as such places do.");
        }

        ledger.LetterWritten(letter.Shard.ShardId, letter.Position);
    }
}
