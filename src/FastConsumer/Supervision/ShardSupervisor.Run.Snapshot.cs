using FastConsumer.Diagnostics;
using FastConsumer.Reading;

namespace FastConsumer.Supervision;

internal sealed partial class ShardSupervisor
{
    /// <content>How the shard stands.</content>
    private sealed partial class ShardRun
    {
        private static readonly TimeSpan s_pollTolerance = TimeSpan.FromSeconds(1);

        /// <summary>An event of fan-out comes every five seconds at least; a silent subscription is given up after this time.</summary>
        private static readonly TimeSpan s_fanOutSilence = TimeSpan.FromSeconds(35);

        // of a shard that has stopped, whose pages were returned: an object, so that it is written at once
        private volatile object? _stoppedAt;

        /// <summary>How long ago the lease was renewed.</summary>
        public TimeSpan SinceRenewal => _parts.Time.GetElapsedTime(0) - new TimeSpan(Volatile.Read(ref _renewedAt));

        /// <summary>How the shard stands now. Never waits.</summary>
        public ShardSnapshot Snapshot() => new()
        {
            ShardId = Key,
            Taken = _parts.ServiceTime,
            State = Telemetry.Time.State,
            Lag = Lag,
            BehindLatest = Intake.Tip is var (behind, ago) ? behind + ago : null,
            ReadShare = Telemetry.ReadShare,
            BytesShare = Telemetry.BytesShare,
            CheckpointAge = _progress?.CheckpointAge ?? TimeSpan.Zero,
            Checkpoint = (_progress?.Durable ?? _start.Taken.Checkpoint).ToString(),
            RecordsInFlight = _progress?.InFlight ?? 0,
            LanesBusy = LanesBusy,
            LongestCall = _policies.Select(policy => policy.Calls.LongestLately(_parts.Time)).DefaultIfEmpty().Max(),
        };

        private int LanesBusy => _lane is not { } lane ? 0
            : lane.Count > 1 ? lane.Busy
            : _progress is { InFlight: > 0 } ? 1 : 0;

        /// <summary>
        /// The age of the oldest record that is not done, read or not. Where nothing that was read is left: what the last answer said and
        /// the time since, or nothing while that answer, at the tip, is young.
        /// </summary>
        private TimeSpan? Lag
        {
            get
            {
                if (OldestUndone is DateTimeOffset arrived)
                {
                    TimeSpan age = _parts.ServiceTime - arrived;
                    return age > TimeSpan.Zero ? age : TimeSpan.Zero;
                }

                if (Intake.Tip is not var (behind, ago))
                {
                    return null;
                }

                TimeSpan young = _parts.FanOut is { HasFallenBack: false }
                    ? s_fanOutSilence
                    : (2 * _parts.IdlePollInterval) + s_pollTolerance;
                return behind == TimeSpan.Zero && ago <= young ? TimeSpan.Zero : behind + ago;
            }
        }

        /// <summary>When the oldest record that was read and is not done came to the service, a <see cref="DateTimeOffset"/>.</summary>
        private object? OldestUndone
        {
            get
            {
                if (_stoppedAt is { } stopped)
                {
                    return stopped;
                }

                if (_progress?.OldestInFlight is { } arrived)
                {
                    return arrived;
                }

                // read, and not given to the lanes; the dispatcher may take it at this moment, so nothing of its bytes is looked at
                return _pages is { } pages && pages.Reader.TryPeek(out ReadItem item) && item.Page?.FirstArrival is { } milliseconds
                    ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                    : null;
            }
        }
    }
}
