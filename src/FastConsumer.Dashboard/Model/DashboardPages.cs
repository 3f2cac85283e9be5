namespace FastConsumer.Dashboard.Model;

/// <summary>What the charts of one worker show.</summary>
internal sealed record HistoryState
{
    /// <summary>When the last sample was taken, or would have been.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Seconds between samples of <see cref="Lag"/>.</summary>
    public required double Step { get; init; }

    /// <summary>The longest lag of all shards, or that of the shard that was asked for; null for a gap.</summary>
    public required IReadOnlyList<double?> Lag { get; init; }

    /// <summary>Records done in a second by all shards, or by the shard that was asked for; null for a gap.</summary>
    public required IReadOnlyList<double?> Records { get; init; }

    /// <summary>The rates of each shard, a cell a minute; null where one shard was asked for.</summary>
    public HeatState? Heat { get; init; }
}

/// <summary>The rates of the shards, a cell a minute.</summary>
/// <param name="Max">The highest rate, records in a second.</param>
/// <param name="Rows">The shards, with a digit from 0 to 9 a cell, of the highest rate; a dot is a gap.</param>
internal sealed record HeatState(double Max, IReadOnlyList<HeatRow> Rows);

/// <summary>One shard of the heat map.</summary>
internal sealed record HeatRow(string Shard, string Cells);

/// <summary>Who looks, and what that one may do.</summary>
/// <param name="AllowActions">True where the dashboard may act.</param>
/// <param name="User">The signed-in user's name; null where nobody has signed in, and actions ask for a name.</param>
/// <param name="LongestBy">The most bytes of a name.</param>
/// <param name="LongestReason">The most bytes of a reason.</param>
internal sealed record SessionState(bool AllowActions, string? User, int LongestBy, int LongestReason);

/// <summary>The effective options of all workers.</summary>
internal sealed record SettingsState(IReadOnlyList<SettingsGroup> Groups);

/// <summary>The effective options of one worker.</summary>
internal sealed record SettingsGroup(string Title, IReadOnlyList<SettingState> Settings);

/// <summary>One option.</summary>
internal sealed record SettingState(string Name, string Value);
