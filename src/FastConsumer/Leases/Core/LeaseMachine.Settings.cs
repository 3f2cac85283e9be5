using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>Settings that change while the worker runs.</content>
internal static partial class LeaseMachine
{
    private sealed partial class Turn
    {
        /// <summary>
        /// Takes over new settings. No lease is taken, released or lost by it: only when something is written or listed next may change,
        /// and how fast.
        /// </summary>
        private void SettingsChanged(LeaseEvent.SettingsChanged changed)
        {
            bool isPaceNew = !Nullable.Equals(changed.TableWriteUnits, _settings.TableWriteUnits);
            _settings = _settings with
            {
                CheckpointInterval = changed.CheckpointInterval,
                ShardSyncInterval = changed.ShardSyncInterval,
                TableWriteUnits = changed.TableWriteUnits,
            };
            if (isPaceNew && changed.TableWriteUnits is { } units)
            {
                // where it is to be found out, what was known holds until the loop has asked
                _budget = _budget.WithTableUnits(units);
            }

            // a checkpoint that was put off by a longer interval comes by the new one
            TimeSpan latest = _now + _settings.CheckpointInterval;
            foreach (Entry entry in _leases.Values.Where(static entry => entry.IsHeld).ToList())
            {
                Own own = entry.Own!;
                if (own.CheckpointAt != TimeSpan.MaxValue && own.CheckpointAt > latest)
                {
                    Put(entry, own with { CheckpointAt = latest });
                }
            }
        }
    }
}
