namespace FastConsumer.Model;

// Rows that are created, deleted, and touched by KCL or by hand.
internal abstract partial class Model
{
    private void RowSteps(ref World s, int shard)
    {
        Create(ref s, shard);
        World n;
        if (Config.CreatesRoots && IsRoot(shard) && IsListed(ref s, shard) && s.Rows[shard].Position == Bounds.End)
        {
            n = s;
            n.Unlisted |= (byte)(1 << shard);
            Done(ref n, Step.Of(StepKind.Unlist, 0, shard), true);
        }

        if (Config.DeletesRows && s.Rows[shard].IsThere && s.Rows[shard].Position == Bounds.End && IsRemovable(ref s, shard))
        {
            n = s;
            Delete(ref n, shard);
            Done(ref n, Step.Of(StepKind.DeleteRow, 0, shard), true);
        }

        ForeignSteps(ref s, shard);
        if (s.HandDeletions > 0 && s.Rows[shard].IsThere && s.Rows[shard].Life + 1 < Bounds.Lives)
        {
            n = s;
            n.HandDeletions--;
            DeleteByHand(ref n, shard);
            Done(ref n, Step.Of(StepKind.HandDelete, 0, shard), false);
        }
    }

    private bool AreParentsFinished(ref World s, int shard)
    {
        foreach (int parent in Config.Parents[shard])
        {
            ref Row row = ref s.Rows[parent];
            if (row.Presence == Presence.Never || (row.IsThere && row.Position != Bounds.End))
            {
                return false;
            }
        }

        return true;
    }

    private bool AreParentsThere(ref World s, int shard)
    {
        foreach (int parent in Config.Parents[shard])
        {
            if (!s.Rows[parent].IsThere)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsListed(ref World s, int shard) => ((s.Unlisted >> shard) & 1) == 0;

    /// <summary>A shard without a row whose descendant has one.</summary>
    private bool IsPassed(ref World s, int shard)
    {
        for (int child = 0; child < Config.Shards && !s.Rows[shard].IsThere; child++)
        {
            if (IsParentOf(shard, child) && (s.Rows[child].IsThere || IsPassed(ref s, child)))
            {
                return true;
            }
        }

        return false;
    }

    private void Create(ref World s, int shard)
    {
        if (s.Rows[shard].IsThere || IsPassed(ref s, shard) || !AreParentsFinished(ref s, shard) || !AreParentsThere(ref s, shard)
            || (IsRoot(shard) && !(Config.CreatesRoots && IsListed(ref s, shard))))
        {
            return;
        }

        int[] parents = Config.Parents[shard];
        sbyte inherits0 = parents.Length > 0 ? s.Rows[parents[0]].Handle : (sbyte)-1;
        sbyte inherits1 = parents.Length > 1 ? s.Rows[parents[1]].Handle : (sbyte)-1;
        byte version = 0;
        foreach (int parent in parents)
        {
            version = Config.Makes(Mistake.ForgetsParentsVersion) ? (byte)0 : Math.Max(version, s.Rows[parent].Version);
        }

        World n = s;
        CreateRow(ref n, shard, inherits0, inherits1, version);
        Done(ref n, Step.Of(StepKind.Create, 0, shard), true);
        if (Config.LateCreation && s.Faults > 0 && TryFindFree(ref s, out int message))
        {
            n = s;
            n.Faults--;
            n.Messages[message] = new Message
            {
                Kind = MessageKind.Creation,
                Shard = (byte)shard,
                Inherits0 = inherits0,
                Inherits1 = inherits1,
                Version = version,
            };
            Done(ref n, Step.Of(StepKind.CreateLate, 0, shard), false);
        }
    }

    private void CreateRow(ref World s, int shard, sbyte inherits0, sbyte inherits1, byte version)
    {
        ref Row row = ref s.Rows[shard];
        if (row.IsThere || (!AreParentsThere(ref s, shard) && !Config.Makes(Mistake.CreatesUnconditionally)))
        {
            return;
        }

        if (row.Presence == Presence.Deleted && !IsListed(ref s, shard))
        {
            return; // there is nothing left to read: such a row ends at once, and changes nothing
        }

        if (row.Presence == Presence.Deleted)
        {
            Break($"I7: row s{shard}, done and deleted, is created again");
        }

        row = Row.Empty(Presence.There);
        row.Inherits0 = inherits0;
        row.Inherits1 = inherits1;
        row.Version = version;
    }

    private bool IsRemovable(ref World s, int shard)
    {
        bool hasChildren = false;
        for (int child = 0; child < Config.Shards; child++)
        {
            if (!IsParentOf(shard, child))
            {
                continue;
            }

            hasChildren = true;
            ref Row row = ref s.Rows[child];
            bool hasBegun = row.IsThere
                ? !row.Inherits && row.Handle >= 0
                : row.Presence == Presence.Deleted && IsPassed(ref s, child);
            if (!hasBegun)
            {
                return false;
            }
        }

        if (!hasChildren && !Config.LeavesEnd)
        {
            return false;
        }

        if (IsRoot(shard))
        {
            return !Config.CreatesRoots || !IsListed(ref s, shard) || Config.Makes(Mistake.DeletesListedRoot);
        }

        foreach (int parent in Config.Parents[shard])
        {
            if (s.Rows[parent].IsThere && !Config.Makes(Mistake.DeletesRowBeforeParents))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whoever deletes a finished row first commits what it names, and sweeps and fences its scope for good.</summary>
    private void Delete(ref World s, int shard)
    {
        ref Row row = ref s.Rows[shard];
        if (!Config.Makes(Mistake.DeletesRowUncommitted))
        {
            CommitAll(ref s, row.Handle >= 0 ? s.Segments[row.Handle].Parts[shard].Named : 0, row.Life);
            for (int tx = 0; tx < s.NextTransaction; tx++)
            {
                if (s.Transactions[tx].Shard == shard && s.Transactions[tx].State == TxState.Prepared)
                {
                    s.Transactions[tx].Abort();
                }
            }

            if (Config.Fenced)
            {
                CloseScopes(ref s, shard, Bounds.Lives);
            }
        }

        row = Row.Empty(Presence.Deleted);
    }

    /// <summary>A new start: what the first life has made visible may be made visible again.</summary>
    private void DeleteByHand(ref World s, int shard)
    {
        byte life = s.Rows[shard].Life;
        s.Rows[shard] = Row.Empty(Presence.There);
        s.Rows[shard].Life = (byte)(life + 1);
        for (int record = 0; record < Config.RecordCount; record++)
        {
            if (((All(shard) >> record) & 1) != 0)
            {
                s.Visible &= (ushort)~(3 << (2 * record));
            }
        }
    }

    private void ForeignSteps(ref World s, int shard)
    {
        ref Row row = ref s.Rows[shard];
        if (s.ForeignSteps == 0)
        {
            return;
        }

        World n;
        if (Config.ForeignCreation)
        {
            if (!IsRoot(shard) && row.Presence == Presence.Never)
            {
                n = s;
                n.ForeignSteps--;
                n.Rows[shard].Presence = Presence.There;
                Done(ref n, Step.Of(StepKind.ForeignCreate, 0, shard), false);
            }

            return;
        }

        bool bearsState = row.Handle >= 0 || row.Inherits0 >= 0;
        if (!row.IsThere || row.Position >= Bounds.End || (Config.ForeignOnState && !bearsState) || !AreParentsFinished(ref s, shard))
        {
            return;
        }

        int next = row.Position < Config.Records[shard].Length ? row.Position + 1 : Bounds.End;
        n = s;
        MoveByForeigner(ref n, shard, next);
        Done(ref n, Step.Of(StepKind.ForeignMove, 0, shard), false);
        n = s;
        MoveByForeigner(ref n, shard, Bounds.End);
        Done(ref n, Step.Of(StepKind.ForeignEnd, 0, shard), false);
    }

    private static void MoveByForeigner(ref World s, int shard, int position)
    {
        s.ForeignSteps--;
        ref Row row = ref s.Rows[shard];
        row.Counter += 2;
        row.Owner = -1;
        row.Position = (byte)position;
    }
}
