namespace QuickStart;

/// <summary>What the views show beside the tally.</summary>
internal interface IRun
{
    /// <summary>How many events there will be; null where nobody knows.</summary>
    int? Total { get; }

    /// <summary>How many the sample itself has put.</summary>
    int Produced { get; }

    int Restarts { get; }

    int Splits { get; }

    /// <summary>Runs to its end, or until cancelled.</summary>
    Task RunAsync(CancellationToken cancellationToken);

    /// <summary>True where the run has seen all that it should.</summary>
    bool IsComplete(Snapshot now);
}
