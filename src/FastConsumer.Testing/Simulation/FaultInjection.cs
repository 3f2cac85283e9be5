namespace FastConsumer.Testing.Simulation;

/// <summary>Does to the workers what the seed chooses, until the world is quiet; whatever it does heals by itself.</summary>
internal sealed class FaultInjection(SimulatedCluster cluster, LifeSettings settings, Random random, Action startWorker)
{
    /// <summary>Set when the faults are over.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Strikes again and again, as long as the settings say.</summary>
    public async Task StrikeAsync()
    {
        long until = cluster.Loop.Now + settings.Troubles.Ticks;
        while (cluster.Loop.Now < until)
        {
            await cluster.DelayAsync(settings.BetweenFaults * -Math.Log(1 - random.NextDouble()));
            SimulatedFaults[] possible = [.. Enum.GetValues<SimulatedFaults>()
                .Where(fault => fault is not (SimulatedFaults.None or SimulatedFaults.All) && May(fault))];
            if (possible.Length > 0)
            {
                Strike(possible[random.Next(possible.Length)]);
            }
        }
    }

    private void Strike(SimulatedFaults fault)
    {
        IReadOnlyList<SimulatedWorker> live = cluster.Live;
        SimulatedWorker? victim = live.Count == 0 ? null : live[random.Next(live.Count)];
        if (victim is null || victim.Process.IsPaused)
        {
            victim = null;
            bool needsNone = fault
                is SimulatedFaults.Reshard or SimulatedFaults.Scale or SimulatedFaults.Throttling or SimulatedFaults.ControlPlane;
            if (!needsNone)
            {
                return;
            }
        }

        switch (fault)
        {
            case SimulatedFaults.Crash:
                cluster.Crash(victim!);
                After(random.NextDouble() * 10, startWorker);
                break;
            case SimulatedFaults.Pause or SimulatedFaults.FrozenPause:
                victim!.Pause(withClock: fault == SimulatedFaults.FrozenPause);
                After(random.NextDouble() * 3 * settings.LeaseDuration.TotalSeconds, victim.Resume);
                break;
            case SimulatedFaults.Cut:
                Cut(victim!);
                break;
            case SimulatedFaults.Slowness:
                SimulatedLink slow = random.Next(2) == 0 ? victim!.ToTable : victim!.ToKinesis;
                slow.Slowness = 5 + (random.NextDouble() * 100);
                victim.Note($"has a slow network: {slow.Slowness:0} times");
                After(random.NextDouble() * 20, () => slow.Slowness = 1);
                break;
            case SimulatedFaults.LostAnswers:
                victim!.ToTable.LostAnswers = 0.5;
                victim.Note("loses answers of the table");
                After(random.NextDouble() * 10, () => victim.ToTable.LostAnswers = IsQuiet ? 0 : settings.LostAnswers);
                break;
            case SimulatedFaults.Throttling:
                cluster.Table.UnitsPerSecond = 1 + (random.NextDouble() * 6);
                cluster.Loop.Trace.Add("", null, $"the table has {cluster.Table.UnitsPerSecond:0.0} write units");
                After(random.NextDouble() * 20, () => cluster.Table.UnitsPerSecond = null);
                break;
            case SimulatedFaults.ControlPlane:
                LoseControlPlane();
                break;
            case SimulatedFaults.Reshard:
                cluster.Reshard(mostShards: 6);
                break;
            case SimulatedFaults.Restart:
                _ = cluster.Beside(() => RestartAsync(victim!));
                break;
            case SimulatedFaults.Scale:
                Scale(victim);
                break;
            case SimulatedFaults.ClockJump:
                victim!.Process.Clock.SetBack(settings.ClockOffset * (random.NextDouble() - 0.5));
                victim.Note("has its date set");
                break;
        }
    }

    /// <summary>Shards cannot be listed. Where none is made any more, that need not end for all to come right.</summary>
    private void LoseControlPlane()
    {
        bool lasts = !May(SimulatedFaults.Reshard) && cluster.IsLeased;
        cluster.ControlPlane = random.Next(2) == 0 ? LinkState.Refused : LinkState.Silent;
        cluster.Loop.Trace.Add("", null, $"the control plane is {cluster.ControlPlane}{(lasts ? ", for good" : "")}");
        double seconds = random.NextDouble() * 60;
        if (!lasts)
        {
            After(seconds, () => cluster.ControlPlane = LinkState.Up);
        }
    }

    private void Cut(SimulatedWorker victim)
    {
        int which = random.Next(3);
        LinkState state = random.Next(2) == 0 ? LinkState.Refused : LinkState.Silent;
        SimulatedLink[] links = which switch { 0 => [victim.ToTable], 1 => [victim.ToKinesis], _ => [victim.ToTable, victim.ToKinesis] };
        victim.Note($"is cut off ({(which == 0 ? "table" : which == 1 ? "Kinesis" : "both")}, {state})");
        foreach (SimulatedLink link in links)
        {
            link.State = state;
        }

        After(random.NextDouble() * 2 * settings.LeaseDuration.TotalSeconds, () =>
        {
            victim.Note("is connected again");
            foreach (SimulatedLink link in links)
            {
                link.State = LinkState.Up;
            }
        });
    }

    private void Scale(SimulatedWorker? victim)
    {
        if (victim is not null && cluster.Live.Count > 1 && random.Next(2) == 0)
        {
            _ = cluster.Beside(() => StopAsync(victim));
        }
        else if (cluster.Live.Count < 6)
        {
            startWorker();
        }
    }

    private async Task RestartAsync(SimulatedWorker worker)
    {
        await StopAsync(worker);
        startWorker();
    }

    public async Task StopAsync(SimulatedWorker worker)
    {
        if (!worker.IsStopping)
        {
            try
            {
                await worker.StopAsync();
            }
            catch (Exception e)
            {
                cluster.Loop.Fail(e);
            }
        }
    }

    private bool May(SimulatedFaults fault) => (settings.Faults & fault) != 0;

    private void After(double seconds, Action action) => cluster.Loop.At(TimeSpan.FromSeconds(seconds), action);
}
