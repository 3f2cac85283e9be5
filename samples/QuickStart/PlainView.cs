namespace QuickStart;

/// <summary>Lines, for pipes and logs: each note, and the progress as it goes.</summary>
internal static class PlainView
{
    private static readonly TimeSpan s_betweenLines = TimeSpan.FromSeconds(1);

    public static async Task ShowAsync(IRun run, Tally tally, CancellationToken cancellationToken)
    {
        tally.Noted += Console.WriteLine;
        Task running = run.RunAsync(cancellationToken);
        int shown = 0;
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(s_betweenLines, TimeProvider.System, CancellationToken.None));
            Snapshot now = tally.Now;
            if (now.Records > shown)
            {
                shown = now.Records;
                Console.WriteLine(run.Total is int total
                    ? $"{now.Distinct} of {total} events, {now.Checkpoints} checkpoints"
                    : $"{now.Records} records, {now.Checkpoints} checkpoints");
            }
        }

        await running;
    }
}
