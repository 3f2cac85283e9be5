using System.Collections.Immutable;
using System.Globalization;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>
/// Where state is kept: which rows belong to it. All rows of a table bear one lineage before a worker with state takes any; a row that
/// comes
/// without it later was made by somebody who does not know of the state, and is left alone. A worker without state copies what rows say.
/// </content>
internal static partial class LeaseMachine
{
    private const int AdoptedAtOnce = 100;

    private sealed partial class Turn
    {
        private bool KeepsState => _settings.StateVersion > 0;

        /// <summary>True where leases may be taken: without state always, with state once all rows that may run bear one lineage.</summary>
        private bool IsLineageSettled => !KeepsState || _scan.Lineage is not null || IsOff(Rules.LineageFirst);

        /// <summary>
        /// True where this worker can go on with the state of a row: not where a later version has written it, nor where the row does not
        /// belong to the table's state.
        /// </summary>
        private bool MayRun(Lease row) =>
            (row.StateVersion <= _settings.StateVersion || IsOff(Rules.StateVersion))
            && (!KeepsState || row.TableLineage == _scan.Lineage || IsOff(Rules.LineageFirst));

        private string DrawLineage() => _chance.NextUInt64().ToString("x16", CultureInfo.InvariantCulture);

        /// <summary>A life of a row of a lineage.</summary>
        private string NewLife(string lineage) =>
            string.Create(CultureInfo.InvariantCulture, $"{lineage}.{(uint)_chance.NextUInt64():x8}");

        /// <summary>The table was listed: rows without lineage get it, and it is said which are left alone.</summary>
        private void FollowLineage(bool isStrong)
        {
            List<Lease> rows = [.. _leases.Values.Select(static entry => entry.Row).Where(static row => row.Problem is null)];
            bool hasState = rows.Exists(static row => row is { HasState: true, Lineage: not null });
            // rows of a table that may be another stream's are left as they are
            if (KeepsState && _scan.Blocked is null)
            {
                if (isStrong)
                {
                    Adopt(rows, hasState);
                }
                else if (_scan.Lineage is null || rows.Exists(IsNews))
                {
                    _scan = _scan with { IsStrongWanted = true };
                }
            }

            TellLeft(rows, hasState, isStrong);

            bool IsNews(Lease row) => !row.IsFinished && (row.Lineage is null ? !hasState : row.TableLineage != _scan.Lineage);
        }

        /// <summary>
        /// Draws the lineage where no row bears one, on the row with the smallest key, and copies it to the others. Where two workers have
        /// drawn at the same time, that of the rows with state holds, else that of the smallest key. A row that is rewritten under its
        /// owner is lost to it, since each write of an owner names the lineage.
        /// </summary>
        private void Adopt(List<Lease> rows, bool hasState)
        {
            List<string> withState =
                [.. rows.Where(static row => row.HasState).Select(static row => row.TableLineage).OfType<string>().Distinct()];
            if (withState.Count > 1)
            {
                // FindBlock says so
                _scan = _scan with { Lineage = null };
                return;
            }

            string? lineage = withState.Count == 1
                ? withState[0]
                : rows.Select(static row => row.TableLineage).FirstOrDefault(static known => known is not null);
            if (rows.Count == 0 || (lineage is null && hasState))
            {
                _scan = _scan with { Lineage = lineage };
                return;
            }

            List<Lease> others = lineage is null
                ? [rows[0]]
                : [.. rows.Where(row => row.TableLineage != lineage && (row.Lineage is not null || !hasState) && !row.HasState)];
            string drawn = lineage ?? DrawLineage();
            HashSet<string> underWay = [.. _requests.Values
                .Where(static request => request is { Kind: RequestKind.Adopt, IsAbandoned: false })
                .Select(static request => request.Leases[0].Key)];
            foreach (Lease row in others.Where(row => !underWay.Contains(row.LeaseKey)).Take(AdoptedAtOnce - underWay.Count))
            {
                WriteOne(RequestKind.Adopt, row.LeaseKey, epoch: 0, new LeaseWrite
                {
                    LeaseKey = row.LeaseKey,
                    If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
                    {
                        [Lease.Names.Lineage] = Lease.Value.Optional(row.Lineage),
                        [Lease.Names.Snapshot] = null,
                    },
                    Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.Lineage] = NewLife(drawn) },
                });
            }

            _scan = _scan with { Lineage = others.Count == 0 ? lineage : null };
        }

        /// <summary>A row was given its lineage, or has another by now: the next list tells.</summary>
        private void Adopted(LeaseWrite.Result result)
        {
            _scan = _scan with { IsStrongWanted = true };
            WantList();
            if (result.Error is { } error)
            {
                FailMoves(error);
            }
        }

        private void TellLeft(List<Lease> rows, bool hasState, bool isStrong)
        {
            ILookup<bool, Lease> byAge = rows.Where(static row => !row.IsFinished)
                .ToLookup(row => row.StateVersion > _settings.StateVersion);
            List<Lease> newer = [.. byAge[true]];
            List<Lease> foreign = KeepsState && hasState ? [.. byAge[false].Where(IsForeign)] : [];
            LeaseCommand.Tell.StateLeft? told = newer.Count + foreign.Count == 0 ? null : new LeaseCommand.Tell.StateLeft(
                Keys(newer), newer.Select(static row => row.StateVersion).DefaultIfEmpty(0).Max(), Keys(foreign));
            if (told == _scan.StateLeft)
            {
                return;
            }

            if (told is not null && !isStrong)
            {
                // one row as it is and another as it was would look like this
                _scan = _scan with { IsStrongWanted = true };
                return;
            }

            Do(told ?? _scan.StateLeft! with { IsOver = true });
            _scan = _scan with { StateLeft = told };

            // one of another lineage is about to be given the table's, until that is known
            bool IsForeign(Lease row) => row.Lineage is null || (_scan.Lineage is not null && row.TableLineage != _scan.Lineage);

            static string Keys(List<Lease> rows) => string.Join(", ", rows.Take(5).Select(static row => row.LeaseKey))
                + (rows.Count > 5 ? string.Create(CultureInfo.InvariantCulture, $" and {rows.Count - 5} more") : "");
        }

        /// <summary>
        /// Of the leases that are missing, those that may be created now. With state the first row of a table is created alone, and draws
        /// the lineage for all others.
        /// </summary>
        private ImmutableList<Lease> Creatable(ImmutableList<Lease> missing) => IsLineageSettled || missing.Count == 0 ? missing
            : _leases.Count == 0 ? [missing.MinBy(static lease => lease.LeaseKey, StringComparer.Ordinal)!]
            : [];

        /// <summary>A lease that is to be created, with what the rows of its parents, or of the table, say of the state.</summary>
        private Lease WithState(Lease lease)
        {
            List<Lease> parents = [.. lease.ParentShardIds.Select(Find).OfType<Entry>().Select(static entry => entry.Row)];
            string? lineage = parents.Count > 0
                // a child of rows without lineage does not belong to the state either
                ? parents.Select(static row => row.TableLineage).FirstOrDefault(static known => known is not null)
                : _scan.Lineage
                    ?? _leases.Values.Select(static entry => entry.Row.TableLineage).FirstOrDefault(static known => known is not null)
                    ?? (KeepsState ? DrawLineage() : null);
            if (lineage is null || (parents.Count > 0 && IsOff(Rules.ChildrenInherit)))
            {
                return lease;
            }

            return lease with
            {
                Lineage = NewLife(lineage),
                StateVersion = parents.Select(static parent => parent.StateVersion).DefaultIfEmpty(0).Max(),
                Inherits = parents.Exists(static parent => parent is { HasState: true, StateVersion: > 0 } || parent.Lineage is null)
                    ? [.. parents.Select(parent => SnapshotHandle.Inherit(parent, lease.Checkpoint))]
                    : [],
            };
        }
    }
}
