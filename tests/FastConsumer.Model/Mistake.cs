namespace FastConsumer.Model;

/// <summary>The mistakes that a search must find, by the invariant that each breaks. The page docs/model.md has them too.</summary>
internal enum Mistake
{
    None,

    // I1: a named snapshot holds exactly the records up to its position and in its runs
    AppliesFailedAttempts, // the effects of an attempt that failed stay in the state
    SerializesLiveValues, // the segment gets the values of now, not those of the cut
    LosesKeysOfFailedUpload, // keys of a failed checkpoint are not written by the next one
    MarksDoneBeforeApply, // a record counts as done before its effects are applied
    ForgetsRestoredRuns, // runs that came with the restore are missing in the next cut
    StopsWithoutRuns, // the last cut of a stop is the watermark alone

    // I2: what is named is whole
    NamesBeforeUpload, // the lease write does not wait for the segment

    // I3: position, handle and stamp change together, and only forward
    WritesPositionAlone, // position and handle in two writes
    IgnoresStamp, // a position that KCL has moved is taken for the snapshot's
    SettlesByPositionOnly, // a write in doubt is settled by the position: a late renewal passes for it
    SettlesByHandleOnly, // a write in doubt is settled by the handle: a late renewal passes for a write of the stamp alone
    RestartsUnderEpoch, // a run that broke off starts again under its epoch, and numbers its checkpoints from 1
    IgnoresLife, // a write of a row's former life counts in its next one

    // I4: each output becomes visible once, and not before its cut is durable
    CommitsBeforeTheLease, // commit before the lease write
    AbortsInDoubt, // the sender aborts while its lease write is in doubt
    RollsBackOnTimeout, // a failed checkpoint aborts its transaction while the shard goes on, and its outputs go with it
    JudgesUnsentByOwnCheckpoint, // "unsent" asks for the checkpoint that prepared it, not for the manifests that name it
    NamesOwnTransactionsOnly, // a manifest leaves out durable transactions whose commit is open
    TakesLostForDone, // what the store has removed is taken for committed
    IgnoresFormerNumber, // position sink: UPDATE ... WHERE epoch = mine, without the former number
    LetsOutputsOvertake, // position sink: outputs after the cut are written before those that it sealed
    IgnoresLowerNumber, // position sink: a sink's row older than the manifest's is not noticed
    ComparesNumberOnly, // position sink: only its number is compared, which a former owner may bring up again
    ComparesNumberBeforeFence, // position sink: it is looked for before the epoch is set, and may come between

    // I5: nothing prepared is left over, and nothing that was prepared stops a shard
    ForgetsParentsTransactions, // a child neither commits nor sweeps what its parents prepared
    NeverSweeps, // a new owner aborts nothing
    RewritesDoubtfulPrepare, // PREPARE without an answer: the outputs go into another transaction
    RepeatsPrepareAtOnce, // PREPARE without an answer: the id is asked again while the former try may still be under way
    DeletesRowUncommitted, // a finished row is deleted before its transactions are committed
    KeepsRefusedTransactions, // a lease write refused at its only send leaves its transactions prepared
    CarriesLockedTransactions, // a failed checkpoint's transaction goes into the next manifest although it locks rows
    RepeatsCheckpointIds, // a row's second life counts epochs and checkpoints from the same numbers, in the same scope
    LeavesFormerLife, // the first owner of a row's second life does not sweep and fence the scopes of the first
    DeletesNamedMarkers, // a commit deletes all markers that its own manifest does not name

    // I6: nothing is deleted that is or may be named
    SweepsByAge, // an unnamed segment is deleted, whoever may still name it
    ListsRowsFirst, // rows are read before the segments are listed
    UnreadableNamesNothing, // a manifest that cannot be read names nothing
    ChildNamesParentsRanges, // a child's first manifest names ranges in its parents' segments
    FooterListsManifestsOnly, // a footer leaves out the shards of which the segment holds blocks only

    // I7: a child begins, once, with the union of its parents' last states
    StartsChildEmpty, // inherited state is not read
    GivesKeyToBoth, // a key goes to a child whose range it is not in
    StartsForeignRowEmpty, // a row that KCL created starts with empty state
    InheritsUnfinishedParent, // an inherited manifest need not be one of SHARD_END
    InheritsWithoutStamp, // a row with Inherits may have been moved
    CreatesUnconditionally, // a child's row is created without a look at its parents' rows
    DeletesRowBeforeParents, // a row is deleted while its parents' rows are there
    DeletesListedRoot, // the row of a shard that never had parents' rows is deleted while the shard is listed

    // I8: nobody restores a higher version
    IgnoresStateVersion, // a row of a higher version is taken
    ForgetsParentsVersion, // a child's row does not bear its parents' version

    // I9: only the owner stops a shard
    ReportsLossUnasked, // a snapshot that cannot be read is reported without a look at the row
}
