using System.Collections.Immutable;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>One worker, step by step: each transition of a lease, with what it commands.</summary>
public sealed class LeaseTransitionTests
{
    private static readonly TimeSpan s_d = TimeSpan.FromSeconds(10);
    private TimeSpan _now = TimeSpan.FromSeconds(100);
    private LeaseTableState _state = Create(LeaseLifeTests.Settings("A"));
    private ImmutableArray<LeaseCommand> _commands = [];
    private Lease _row = Read(new Lease { LeaseKey = "0", LeaseCounter = 4 });

    /// <summary>A rule that is switched off: then the test of that rule fails.</summary>
    internal LeaseMachine.Rules Without
    {
        init => _state = Create(LeaseLifeTests.Settings("A") with { Without = value });
    }

    private Hold Hold => _state.Leases["0"].Hold;

    private Own Own => _state.Leases["0"].Own!;

    [Fact]
    public void A_free_lease_is_taken_on_condition_that_it_is_as_seen()
    {
        LeaseWrite write = Taking().Write.Write;
        Assert.Equal(4L, write.If[Lease.Names.LeaseCounter]);
        Assert.Equal(
            [null, null, null],
            new[] { Lease.Names.LeaseOwner, Lease.Names.CheckpointOwner, Lease.Names.Session }.Select(name => write.If[name]));
        Assert.Equal("process-A/5", write.Set[Lease.Names.Session].Text);
        Assert.Equal("5/10000", write.Set[Lease.Names.Duration].Text);
        Assert.Equal("A", write.Set[Lease.Names.TakenBy].Text);
        Assert.Equal(
            [
                Lease.Names.CheckpointOwner, Lease.Names.RequestedBy, Lease.Names.Notification, Lease.Names.Standing, Lease.Names.Command,
                Lease.Names.Report,
            ],
            write.Remove);
        Assert.DoesNotContain(Lease.Names.OwnerSwitchesSinceCheckpoint, write.Set.Keys);
    }

    [Fact]
    public void A_take_that_is_written_starts_a_run_whose_age_counts_from_its_sending()
    {
        LeaseCommand.WriteOne take = Taking();
        TimeSpan sent = _now;
        _now += TimeSpan.FromSeconds(4);
        Answer(take.Request, Written(take.Write.Write));
        LeaseCommand.Start start = Assert.Single(_commands.OfType<LeaseCommand.Start>());
        Assert.Equal((5L, sent, "nobody"), (start.Epoch, start.RenewedAt, start.From));
        Assert.IsType<Hold.Owned>(Hold);
    }

    [Fact]
    public void A_take_that_is_answered_too_late_is_found_by_its_row_or_taken_anew()
    {
        LeaseCommand.WriteOne take = Taking();
        _now += s_d / 2;
        Step(new LeaseEvent.Tick());
        Assert.Contains(_commands, command => command is LeaseCommand.Abandon abandon && abandon.Request == take.Request);
        Assert.Contains(_commands, static command => command is LeaseCommand.Poll { Consistency: ReadConsistency.Strong });
        Lease row = Apply(take.Write.Write);
        _now += TimeSpan.FromSeconds(1);
        Step(new LeaseEvent.RowsRead(["0"], [row], _now, ReadConsistency.Strong));
        Assert.Equal(_now - TimeSpan.FromSeconds(6), Assert.Single(_commands.OfType<LeaseCommand.Start>()).RenewedAt);
    }

    [Fact]
    public void A_take_in_doubt_whose_row_is_as_before_is_free_and_its_next_one_counts_from_the_first()
    {
        LeaseCommand.WriteOne take = Taking();
        TimeSpan first = _now;
        Answer(take.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Unknown));
        Assert.True(((Hold.Taking)Hold).IsInDoubt);
        _now += TimeSpan.FromSeconds(1);
        Step(new LeaseEvent.RowsRead(["0"], [_row], _now, ReadConsistency.Strong));
        Assert.Equal(first, ((Hold.NotHeld)Hold).Unsettled!.SentAt);
        List();
        LeaseCommand.WriteOne again = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        Answer(again.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Unknown));
        // it may have been the first one that took effect
        Step(new LeaseEvent.RowsRead(["0"], [Apply(take.Write.Write)], _now, ReadConsistency.Strong));
        Assert.Equal(first, Assert.Single(_commands.OfType<LeaseCommand.Start>()).RenewedAt);
    }

    [Fact]
    public void A_take_after_a_stop_has_begun_is_released()
    {
        LeaseCommand.WriteOne take = Taking();
        Step(new LeaseEvent.StopWanted(_now, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(3)));
        Answer(take.Request, Written(take.Write.Write));
        Assert.Empty(_commands.OfType<LeaseCommand.Start>());
        Assert.IsType<Hold.Releasing>(Hold);
    }

    [Fact]
    public void A_lease_is_renewed_at_half_its_duration_and_lost_at_nine_tenths()
    {
        Owned();
        TimeSpan taken = _now;
        Until(taken + (s_d / 2));
        LeaseCommand.Renewal renewal = Assert.Single(Until<LeaseCommand.Send>(taken + (0.7 * s_d)).Leases);
        Assert.Equal(("0", 5L, 5L, true), (renewal.Key, renewal.Epoch, renewal.Row.LeaseCounter, renewal.IsRenewalDue));
        // no answer ever comes
        LeaseCommand.Lose lost = Until<LeaseCommand.Lose>(taken + s_d);
        Assert.Equal(taken + (0.9 * s_d), _now);
        Assert.Equal(5, lost.Epoch);
        Assert.IsType<Hold.Lost>(Hold);
        Step(new LeaseEvent.Ended("0", 4));
        Assert.IsType<Hold.Lost>(Hold);
        Step(new LeaseEvent.Ended("0", 5));
        Assert.IsType<Hold.NotHeld>(Hold);
    }

    [Fact]
    public void A_list_that_lags_behind_does_not_bring_back_the_row_before_a_take_of_ours()
    {
        Lease before = _row;
        Owned();
        Until<LeaseCommand.Lose>(_now + s_d);
        Step(new LeaseEvent.Ended("0", 5));

        // the row is free in it: a take on that condition would begin a second run with epoch 5
        _row = before;
        LeaseCommand.WriteOne take = TakeListed();

        Assert.Equal(5, take.Write.Write.If[Lease.Names.LeaseCounter]?.WholeNumber);
        Assert.Equal(6, take.Write.Write.Set[Lease.Names.LeaseCounter].WholeNumber);
    }

    [Fact]
    public void A_write_in_doubt_is_sent_again_on_the_same_condition_and_adopted_where_the_row_is_exactly_what_it_makes()
    {
        Owned();
        (LeaseCommand.Send send, LeaseWrite first) = Checkpoint("7");
        TimeSpan sent = _now;
        LeaseCommand.Send again = Until<LeaseCommand.Send>(_now + (0.3 * s_d));
        Assert.Contains(_commands.Concat(_all), command => command is LeaseCommand.Abandon abandon && abandon.Request == send.Request);
        Assert.Equal(5, again.Leases[0].Row.LeaseCounter);
        LeaseWrite second = LeaseMachine.Renew(again.Leases[0], new(Position("9"), null))!;
        Step(new LeaseEvent.Sent(again.Request, [new LeaseEvent.Outgoing("0", 5, second)], _now));
        Assert.Equal(2, Own.Attempts.Count);
        // the answer of the second is a refusal: the first has taken effect
        Lease row = Apply(first);
        Answer(again.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row));
        LeaseCommand.Wrote wrote = Assert.Single(_commands.OfType<LeaseCommand.Wrote>());
        Assert.Equal((Position("7"), sent), (wrote.Position, wrote.RenewedAt));
        Assert.Empty(Own.Attempts);
        Assert.NotNull(Own.Waiting);
    }

    [Fact]
    public void A_row_that_only_looks_like_our_next_write_is_not_adopted()
    {
        Owned();
        (LeaseCommand.Send send, LeaseWrite first) = Checkpoint("7");
        Lease reset = LeaseWorld.Changed(Apply(first), new() { [Lease.Names.Checkpoint] = "TRIM_HORIZON" });
        Answer(send.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Unknown));
        Step(new LeaseEvent.RowsRead(["0"], [reset], _now, ReadConsistency.Strong));
        Assert.Single(_commands.OfType<LeaseCommand.Lose>());
    }

    [Theory]
    [InlineData("another owner", true)]
    [InlineData("another session", true)]
    [InlineData("a hand-over of KCL 3.x", true)]
    [InlineData("a counter that jumped", true)]
    [InlineData("a lower counter", false)]
    [InlineData("the same", false)]
    [InlineData("unreadable", false)]
    public void What_a_list_shows_of_a_held_lease_decides(string shown, bool isLost)
    {
        Owned();
        Lease row = shown switch
        {
            "another owner" => LeaseWorld.Changed(_row, new() { [Lease.Names.LeaseOwner] = "B" }),
            "another session" => LeaseWorld.Changed(_row, new() { [Lease.Names.Session] = "process-Z/5" }),
            "a hand-over of KCL 3.x" =>
                LeaseWorld.Changed(_row, new() { [Lease.Names.CheckpointOwner] = "A", [Lease.Names.LeaseOwner] = "B" }),
            "a counter that jumped" => LeaseWorld.Changed(_row, new() { [Lease.Names.LeaseCounter] = 9 }),
            "a lower counter" => LeaseWorld.Changed(_row, new() { [Lease.Names.LeaseCounter] = 3, [Lease.Names.LeaseOwner] = "B" }),
            "unreadable" => LeaseWorld.Changed(_row, new() { [Lease.Names.Checkpoint] = "banana" }),
            _ => _row,
        };
        _row = row;
        _now += TimeSpan.FromSeconds(1);
        List();
        Assert.Equal(isLost, Hold is Hold.Lost);
        Assert.Equal(shown == "another session", _commands.Any(static command => command is LeaseCommand.Tell.WorkerIdInUse));
        Assert.Equal(shown == "unreadable", _commands.Any(static command => command is LeaseCommand.Tell.Unreadable));
    }

    [Fact]
    public void Of_a_list_the_write_in_flight_is_not_told_before_its_answer()
    {
        Owned();
        (_, LeaseWrite write) = Checkpoint("7");
        _row = Apply(write);
        Step(new LeaseEvent.RowsRead(["0"], [_row], _now, ReadConsistency.Strong));
        Assert.IsType<Hold.Owned>(Hold);
        Assert.Single(Own.Attempts);
        Assert.Empty(_commands.OfType<LeaseCommand.Wrote>());
    }

    [Fact]
    public void A_throttled_write_leaves_no_doubt_and_is_tried_again()
    {
        Owned();
        (LeaseCommand.Send send, _) = Checkpoint("7");
        Answer(send.Request, new LeaseWrite.Result(
            LeaseWrite.Outcome.NotWritten, null, new LeaseStoreException("too much", isTransient: true) { IsThrottled = true }));
        Assert.Empty(Own.Attempts);
        Assert.NotNull(Own.Waiting);
        Assert.NotNull(_state.Budget.ThrottledAt);
        Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void What_is_asked_for_drains_is_checkpointed_and_goes_to_who_asked()
    {
        Owned();
        Request("B");
        Assert.Single(_commands.OfType<LeaseCommand.Stop>());
        Step(new LeaseEvent.Drained("0", 5, new LeaseEvent.RunEnd.Stopped()));
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        LeaseWrite write = LeaseMachine.Renew(send.Leases[0], new(Position("7"), null))!;
        Step(new LeaseEvent.Sent(send.Request, [new LeaseEvent.Outgoing("0", 5, write)], _now));
        _row = Apply(write);
        Answer(send.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
        LeaseCommand.Send nothing = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        Step(new LeaseEvent.Sent(nothing.Request, [], _now));
        Assert.Single(_commands.OfType<LeaseCommand.Finish>());
        Step(new LeaseEvent.Ended("0", 5));
        LeaseCommand.WriteOne release = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        Assert.Equal("B", release.Write.Write.Set[Lease.Names.LeaseOwner].Text);
        Assert.Equal(6L, release.Write.Write.If[Lease.Names.LeaseCounter]);
        Answer(release.Request, Written(release.Write.Write));
        Assert.Equal("B", Assert.Single(_commands.OfType<LeaseCommand.Tell.Released>()).To);
        Assert.IsType<Hold.NotHeld>(Hold);
    }

    [Fact]
    public void A_lease_that_goes_back_to_its_former_owner_is_no_sign_of_that_owners_life()
    {
        _row = Read(new Lease { LeaseKey = "0", LeaseCounter = 4, LeaseOwner = "B" });
        List();
        TimeSpan seen = _now;
        LeaseCommand.WriteOne? take = null;
        while (take is null && _now < seen + (3 * s_d))
        {
            List();
            take = _commands.OfType<LeaseCommand.WriteOne>().FirstOrDefault();
        }

        _row = Apply(take!.Write.Write);
        Answer(take.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
        Assert.Null(_state.Leases["0"].Seen);
        Step(new LeaseEvent.StopWanted(_now, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(3)));
        Step(new LeaseEvent.Ended("0", 5));
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.LeaseOwner] = "B", [Lease.Names.LeaseCounter] = 7 });
        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Strong));
        Assert.False(_state.Leases["0"].Seen is { HasMoved: true });
    }

    [Theory]
    [InlineData(0)]
    // a table that is listed less often than each quarter of the duration
    [InlineData(150)]
    public void What_was_just_passed_on_is_its_receivers_for_a_quarter_of_the_duration_although_that_one_is_held_for_dead(int finished)
    {
        var ofB = new Lease { LeaseKey = "0", LeaseCounter = 4, LeaseOwner = "B", TakenBy = "B", Session = "process-B/4" };
        var ofC = new Lease { LeaseKey = "1", LeaseCounter = 4, LeaseOwner = "C", TakenBy = "C", Session = "process-C/4" };
        Lease[] rows =
        [
            Read(ofB),
            Read(ofC),
            .. Enumerable.Range(2, finished).Select(static i => Read(new Lease
            {
                LeaseKey = $"{i}",
                Checkpoint = CheckpointPosition.ShardEnd,
            })),
        ];
        TimeSpan begun = _now;
        TimeSpan? passedOn = null;
        List<(TimeSpan At, string Key)> taken = [];
        while (taken.Count < 2)
        {
            Until<LeaseCommand.List>(_now + s_d);
            // C renews what it has, and passes it on when B has been silent for almost the whole duration
            if (passedOn is null)
            {
                bool isPassedOn = _now >= begun + (0.9 * s_d);
                passedOn = isPassedOn ? _now : null;
                ofC = ofC with { LeaseCounter = ofC.LeaseCounter + 1, LeaseOwner = isPassedOn ? "B" : "C" };
                rows[1] = Read(ofC);
            }

            Step(new LeaseEvent.TableListed(rows, _now, ReadConsistency.Eventual));
            foreach (LeaseCommand.WriteOne take in _commands.OfType<LeaseCommand.WriteOne>().ToList())
            {
                string key = take.Write.Key;
                taken.Add((_now, key));
                ref Lease row = ref rows[key == "0" ? 0 : 1];
                row = LeaseWorld.Changed(row, new(take.Write.Write.Set, StringComparer.Ordinal), [.. take.Write.Write.Remove]);
                Answer(take.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, row));
            }
        }

        Assert.Equal(["0", "1"], taken.Select(static take => take.Key));
        Assert.InRange(taken[0].At - passedOn!.Value, TimeSpan.Zero, 0.24 * s_d);
        Assert.InRange(taken[1].At - passedOn.Value, 0.25 * s_d, 0.26 * s_d);
    }

    [Fact]
    public void A_checkpoint_that_is_refused_since_another_has_the_row_loses_the_lease()
    {
        Owned();
        (LeaseCommand.Send send, _) = Checkpoint("7");
        Lease row = LeaseWorld.Changed(_row, new()
        {
            [Lease.Names.LeaseOwner] = "B",
            [Lease.Names.TakenBy] = "B",
            [Lease.Names.Session] = "process-B/6",
            [Lease.Names.LeaseCounter] = 6,
        });
        Answer(send.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row));
        Assert.Single(_all.OfType<LeaseCommand.Lose>());
        Assert.False(_state.Leases["0"].IsHeld);
    }

    [Fact]
    public void A_handler_that_hangs_is_cancelled_given_up_and_passed_on()
    {
        Owned();
        Request("B");
        TimeSpan begun = _now;
        Renewing<LeaseCommand.CancelHandler>();
        Assert.Equal(begun + (0.64 * s_d), _now);
        Renewing<LeaseCommand.GiveUp>();
        Assert.Equal(begun + (0.72 * s_d), _now);
        Renewing<LeaseCommand.Finish>();
        Assert.Equal(begun + (0.8 * s_d), _now);
    }

    [Fact]
    public void A_request_that_is_withdrawn_goes_to_nobody()
    {
        Owned();
        Request("B");
        _row = LeaseWorld.Changed(_row, [], Lease.Names.RequestedBy);
        _now += TimeSpan.FromSeconds(1);
        List();
        Assert.Null(((Hold.HandingOff)Hold).To);
    }

    [Fact]
    public void A_run_that_fails_is_released_to_nobody_and_left_alone_for_longer_each_time()
    {
        Owned();
        Step(new LeaseEvent.Drained("0", 5, new LeaseEvent.RunEnd.Failed(new InvalidOperationException())));
        Assert.Equal(TimeSpan.FromSeconds(1), Assert.Single(_commands.OfType<LeaseCommand.Tell.BackingOff>()).Wait);
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        Step(new LeaseEvent.Sent(send.Request, [], _now));
        Step(new LeaseEvent.Ended("0", 5));
        LeaseCommand.WriteOne release = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        Assert.Contains(Lease.Names.LeaseOwner, release.Write.Write.Remove);
        Assert.Contains(Lease.Names.Duration, release.Write.Write.Remove);
        _row = Apply(release.Write.Write);
        Answer(release.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
        Assert.Equal(TimeSpan.FromSeconds(1), _state.Leases["0"].Barred!.Wait);
        Until<LeaseCommand.List>(_now + TimeSpan.FromSeconds(3));
        LeaseCommand.WriteOne take = TakeListed();
        Answer(take.Request, Written(take.Write.Write));
        Step(new LeaseEvent.Drained("0", take.Write.Epoch, new LeaseEvent.RunEnd.Failed(new InvalidOperationException())));
        Assert.Equal(TimeSpan.FromSeconds(2), _state.Leases["0"].Barred!.Wait);
    }

    [Fact]
    public void A_lease_that_is_taken_anew_gets_another_epoch_and_is_never_released()
    {
        Owned();
        Step(new LeaseEvent.TakeAnew("0", 5));
        Step(new LeaseEvent.Drained("0", 5, new LeaseEvent.RunEnd.Stopped()));
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        Step(new LeaseEvent.Sent(send.Request, [], _now));
        Step(new LeaseEvent.Ended("0", 5));
        LeaseCommand.WriteOne take = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        Assert.Equal("process-A/6", take.Write.Write.Set[Lease.Names.Session].Text);
        Answer(take.Request, Written(take.Write.Write));
        Assert.Equal(6, Assert.Single(_commands.OfType<LeaseCommand.Start>()).Epoch);
    }

    [Fact]
    public void A_command_is_told_to_the_run_once_and_carried_over_to_the_run_that_follows_directly()
    {
        Owned();
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.Command] = "do this" });
        List();
        Assert.Equal("do this", Assert.Single(_all.OfType<LeaseCommand.Decide>()).Command);
        List();
        Assert.Single(_all.OfType<LeaseCommand.Decide>());
        Step(new LeaseEvent.TakeAnew("0", 5, "do this"));
        Assert.Equal("do this", TakenAnew(5).Redrive);

        // it is carried over once
        Step(new LeaseEvent.TakeAnew("0", 6));
        Assert.Null(TakenAnew(6).Redrive);
    }

    [Fact]
    public void A_command_is_dropped_where_another_owner_comes_between_the_two_runs()
    {
        Owned();
        Step(new LeaseEvent.TakeAnew("0", 5, "do this"));
        _row = LeaseWorld.Changed(_row, new()
        {
            [Lease.Names.LeaseCounter] = 9,
            [Lease.Names.LeaseOwner] = "B",
            [Lease.Names.TakenBy] = "B",
            [Lease.Names.Session] = "process-B/9",
        });
        List();
        Assert.IsType<Hold.Lost>(Hold);
        Step(new LeaseEvent.Ended("0", 5));
        _row = LeaseWorld.Changed(
            _row, new() { [Lease.Names.LeaseCounter] = 10 }, Lease.Names.LeaseOwner, Lease.Names.TakenBy, Lease.Names.Session);
        Until<LeaseCommand.List>(_now + TimeSpan.FromSeconds(30));
        LeaseCommand.WriteOne take = TakeListed();
        Answer(take.Request, Written(take.Write.Write));
        Assert.Null(Assert.Single(_commands.OfType<LeaseCommand.Start>()).Redrive);
    }

    [Fact]
    public void A_pause_and_its_end_each_begin_a_new_run_under_the_same_owner()
    {
        Owned();
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.Paused] = "by ann" });
        List();
        Assert.Equal(Hold.Reason.TakeAnew, Assert.IsType<Hold.HandingOff>(Hold).Why);
        Assert.Equal("by ann", TakenAnew(5).Taken.Paused);
        List();
        Assert.IsType<Hold.Owned>(Hold);
        _row = LeaseWorld.Changed(_row, [], Lease.Names.Paused);
        List();
        Assert.Null(TakenAnew(6).Taken.Paused);
    }

    /// <summary>A batch sets attributes and removes none.</summary>
    [Fact]
    public void What_a_run_says_of_itself_goes_into_its_row_and_what_is_removed_is_written_alone()
    {
        Owned();
        var renewal = new LeaseCommand.Renewal("0", 5, _row, IsRenewalDue: false);
        Assert.Null(LeaseMachine.Renew(renewal, new(_row.Checkpoint, null)));
        LeaseWrite fails = LeaseMachine.Renew(renewal, new(_row.Checkpoint, null, "fails"))!;
        Assert.Equal("fails", fails.Set[Lease.Names.Standing].Text);
        Assert.Empty(fails.Remove);
        // it is no checkpoint: KCL's count of owners without one goes on
        Assert.DoesNotContain(Lease.Names.OwnerSwitchesSinceCheckpoint, fails.Set.Keys);

        Lease failing = LeaseWorld.Changed(Apply(fails), new() { [Lease.Names.Command] = "do this" });
        LeaseWrite done = LeaseMachine.Renew(renewal with { Row = failing }, new(Position("9"), null, null, "done"))!;
        Assert.Equal("done", done.Set[Lease.Names.Decision].Text);
        Assert.Equal("9", done.Set[Lease.Names.Checkpoint].Text);
        Assert.Equal([Lease.Names.Standing, Lease.Names.Command], done.Remove);
        Lease after = Apply(done) with { Standing = null, Decision = "done", Command = null };
        Assert.Null(LeaseMachine.Renew(renewal with { Row = after }, new(Position("9"), null, null, "done")));
    }

    /// <summary>A report costs nothing: no write is made for it, and no write becomes dearer by it.</summary>
    [Fact]
    public void A_report_comes_along_with_what_is_written_anyway_where_the_row_has_room()
    {
        Owned();
        var renewal = new LeaseCommand.Renewal("0", 5, _row, IsRenewalDue: false);
        Assert.Null(LeaseMachine.Renew(renewal, new(_row.Checkpoint, null, Report: "report")));
        LeaseWrite renews = LeaseMachine.Renew(renewal with { IsRenewalDue = true }, new(_row.Checkpoint, null, Report: "report"))!;
        Assert.Equal("report", renews.Set[Lease.Names.Report].Text);
        Assert.DoesNotContain(Lease.Names.Checkpoint, renews.Set.Keys);
        LeaseWrite checkpoints = LeaseMachine.Renew(renewal, new(Position("9"), null, Report: "report"))!;
        Assert.Equal("report", checkpoints.Set[Lease.Names.Report].Text);
        Lease reported = Apply(checkpoints);
        LeaseWrite again = LeaseMachine.Renew(
            renewal with { Row = reported, IsRenewalDue = true }, new(reported.Checkpoint, null, Report: "report"))!;
        Assert.DoesNotContain(Lease.Names.Report, again.Set.Keys);

        // 1,024 bytes are a write unit
        Lease large = LeaseWorld.Changed(_row, new() { ["theirs"] = new string('x', 900) });
        LeaseWrite without = LeaseMachine.Renew(
            renewal with { Row = large, IsRenewalDue = true }, new(large.Checkpoint, null, Report: new string('r', 160)))!;
        Assert.DoesNotContain(Lease.Names.Report, without.Set.Keys);
    }

    [Fact]
    public void Changed_settings_move_the_next_checkpoint_and_the_pace_and_nothing_else()
    {
        Owned();
        Hold before = Hold;
        TimeSpan due = Own.CheckpointAt;
        Step(new LeaseEvent.SettingsChanged(TimeSpan.FromHours(1), TimeSpan.FromSeconds(9), 40));
        Assert.Same(before, Hold);
        Assert.Equal(due, Own.CheckpointAt);
        Assert.Equal(40, _state.Budget.TableUnits);
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromSeconds(9), 40), (
            _state.Configuration.CheckpointInterval, _state.Configuration.ShardSyncInterval, _state.Configuration.TableWriteUnits!.Value));
        Assert.Equal(s_d, _state.Configuration.LeaseDuration);

        Step(new LeaseEvent.SettingsChanged(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(9), null));
        Assert.Equal(_now + TimeSpan.FromSeconds(1), Own.CheckpointAt);
        // until it is found out, what was known holds
        Assert.Equal(40, _state.Budget.TableUnits);
        Step(new LeaseEvent.LimitsKnown(12));
        Assert.Equal(12, _state.Budget.TableUnits);
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(3));
        Assert.Equal("0", Assert.Single(send.Leases).Key);
        Assert.IsType<Hold.Owned>(Hold);
    }

    [Fact]
    public void A_lease_that_is_handed_over_is_not_taken_anew_nor_after_a_stop_has_begun()
    {
        Owned();
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.RequestedBy] = "B" });
        List();
        Hold handingOff = Assert.IsType<Hold.HandingOff>(Hold);
        Step(new LeaseEvent.TakeAnew("0", 5));
        Assert.Same(handingOff, Hold);
        Step(new LeaseEvent.StopWanted(_now, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(3)));
        Step(new LeaseEvent.TakeAnew("0", 5));
        Assert.Equal(Hold.Reason.Requested, Assert.IsType<Hold.HandingOff>(Hold).Why);
    }

    /// <summary>All others count it for whoever has asked: left as it is, it would be read by nobody until it expires.</summary>
    [Fact]
    public void A_lease_to_be_taken_anew_that_is_asked_for_goes_to_whoever_asks_where_a_write_is_still_under_way()
    {
        Owned();
        Step(new LeaseEvent.TakeAnew("0", 5));
        Step(new LeaseEvent.Drained("0", 5, new LeaseEvent.RunEnd.Stopped()));
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        LeaseCommand.Renewal renewal = Assert.Single(send.Leases);
        LeaseWrite write = LeaseMachine.Renew(renewal, new(Position("9"), null))!;
        Step(new LeaseEvent.Sent(send.Request, [new LeaseEvent.Outgoing("0", 5, write)], _now));
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.RequestedBy] = "B" });
        List();
        Step(new LeaseEvent.Ended("0", 5));
        Hold.Releasing releasing = Assert.IsType<Hold.Releasing>(Hold);
        Assert.Equal("B", releasing.To);
    }

    private LeaseCommand.Start TakenAnew(long epoch)
    {
        Step(new LeaseEvent.Drained("0", epoch, new LeaseEvent.RunEnd.Stopped()));
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        Step(new LeaseEvent.Sent(send.Request, [], _now));
        Step(new LeaseEvent.Ended("0", epoch));
        LeaseCommand.WriteOne take = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        _row = Apply(take.Write.Write);
        Answer(take.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
        LeaseCommand.Start start = Assert.Single(_commands.OfType<LeaseCommand.Start>());
        Assert.Equal(epoch + 1, start.Epoch);
        return start;
    }

    [Fact]
    public void A_release_in_doubt_bars_the_take_until_it_is_settled()
    {
        Owned();
        Step(new LeaseEvent.Ended("0", 5));
        LeaseCommand.WriteOne release = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        Assert.IsType<Hold.Releasing>(Hold);
        Until<LeaseCommand.Tell.ReleaseGivenUp>(_now + (1.1 * s_d));
        Assert.NotNull(((Hold.NotHeld)Hold).Unsettled);
        List();
        Assert.IsType<Hold.NotHeld>(Hold);
        Assert.Contains(_all, command => command is LeaseCommand.WriteOne one && one.Request > release.Request);
    }

    [Fact]
    public void One_write_is_in_flight_at_a_time()
    {
        Owned();
        Checkpoint("7");
        Step(new LeaseEvent.CheckpointWanted("0", 5, IsUrgent: true));
        Until(_now + TimeSpan.FromSeconds(1));
        Assert.Single(_all.OfType<LeaseCommand.Send>());
        Assert.NotNull(Own.Waiting);
    }

    [Fact]
    public void A_counter_stands_still_from_when_it_was_taken_in_until_its_latest_read_began()
    {
        _row = LeaseWorld.Changed(_row, new()
        {
            [Lease.Names.LeaseOwner] = "B",
            [Lease.Names.TakenBy] = "B",
            [Lease.Names.Session] = "process-B/4",
            [Lease.Names.Duration] = "4/10000",
        });
        Step(new LeaseEvent.Tick());
        TimeSpan begun = _now;
        // a slow answer: B may have renewed the lease at any time until now
        _now += TimeSpan.FromSeconds(6);
        Step(new LeaseEvent.TableListed([_row], begun, ReadConsistency.Strong));
        ListAt(begun + s_d);
        Assert.IsType<Hold.NotHeld>(Hold);
        ListAt(begun + TimeSpan.FromSeconds(6) + s_d);
        Assert.IsType<Hold.Taking>(Hold);
    }

    [Fact]
    public void An_old_listing_creates_nothing()
    {
        Shard[] shards = [LeaseLifeTests.Shard("0", 0, 2), LeaseLifeTests.Shard("1", 1, 2)];
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.StartedAt] = 0 });
        Taking();
        Assert.Single(_commands.OfType<LeaseCommand.ListStream>());
        Step(new LeaseEvent.StreamListed(shards, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, _now, null));
        // it lacks a lease, and a consistent list is to tell; but that comes when the listing says nothing any more
        while (!_commands.OfType<LeaseCommand.List>().Any())
        {
            _now += TimeSpan.FromMilliseconds(100);
            Step(new LeaseEvent.Tick());
        }

        TimeSpan begun = _now;
        _now += TimeSpan.FromSeconds(19.95);
        Step(new LeaseEvent.TableListed([_row], begun, ReadConsistency.Strong));
        Assert.Empty(_all.OfType<LeaseCommand.Create>());
        Assert.Contains(_all, static command => command is LeaseCommand.ListStream { WithCreation: true });
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 1)]
    public void While_leases_are_created_none_is_taken_unless_one_was_before(long counter, int takes)
    {
        // under TRIM_HORIZON no row says when the application started
        _row = Read(new Lease { LeaseKey = "0", LeaseCounter = counter });
        Step(new LeaseEvent.Tick());
        Step(new LeaseEvent.TableListed([], _now, ReadConsistency.Strong));
        Shard[] shards = [LeaseLifeTests.Shard("0", 0, 2), LeaseLifeTests.Shard("1", 1, 2)];
        Step(new LeaseEvent.StreamListed(shards, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, _now, null));
        Until<LeaseCommand.List>(_now + s_d);
        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Strong));
        LeaseCommand.Create creation = Assert.Single(_all.OfType<LeaseCommand.Create>());
        Assert.Equal(takes, _all.OfType<LeaseCommand.WriteOne>().Count());

        Answer(creation.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, null));
        Until<LeaseCommand.List>(_now + s_d);
        Step(new LeaseEvent.TableListed([_row, Read(new Lease { LeaseKey = "1" })], _now, ReadConsistency.Strong));
        Assert.Equal(["0", "1"], _all.OfType<LeaseCommand.WriteOne>().Select(static take => take.Write.Key).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("whole")]
    [InlineData("with a hole")]
    [InlineData("failed")]
    public void A_lease_whose_hash_keys_only_the_stream_tells_is_taken_when_it_has_told_them_or_cannot(string listing)
    {
        _state = Create(LeaseLifeTests.Settings("A") with { AwaitsHashKeys = true });
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.StartedAt] = 0 });
        List();
        Assert.Empty(_all.OfType<LeaseCommand.WriteOne>());
        Assert.Single(_all.OfType<LeaseCommand.ListStream>());
        Shard shard = LeaseLifeTests.Shard("0", 0, listing == "whole" ? 1 : 2);
        Step(listing == "failed"
            ? new LeaseEvent.StreamListed(null, null, DateTimeOffset.UnixEpoch, _now, new TimeoutException())
            : new LeaseEvent.StreamListed([shard], DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, _now, null));
        LeaseCommand.WriteOne take = Assert.Single(_all.OfType<LeaseCommand.WriteOne>());
        Answer(take.Request, Written(take.Write.Write));
        Assert.Equal(
            listing == "failed" ? null : shard.HashKeyRange, Assert.Single(_all.OfType<LeaseCommand.Start>()).HashKeys);
    }

    [Theory]
    [InlineData("AtTimestamp", false, "AT_TIMESTAMP", 7_000L)]
    [InlineData("TrimHorizon", false, "TRIM_HORIZON", 5_000L)]
    [InlineData("Latest", false, "LATEST", 9_000L)]
    [InlineData("AtTimestamp", true, null, null)]
    public void A_row_without_progress_follows_a_start_position_that_was_corrected(
        string start, bool hasParent, string? checkpoint, long? startedAt)
    {
        _state = Create(LeaseLifeTests.Settings("A") with
        {
            Start = start == "Latest" ? CheckpointPosition.Latest
                : start == "TrimHorizon" ? CheckpointPosition.TrimHorizon : CheckpointPosition.AtTimestamp,
            StartTimestamp = start == "AtTimestamp" ? DateTimeOffset.FromUnixTimeSeconds(7) : null,
            LatestAt = DateTimeOffset.FromUnixTimeSeconds(9),
        });
        var row = new Lease
        {
            LeaseKey = "0",
            LeaseCounter = 4,
            Checkpoint = CheckpointPosition.AtTimestamp,
            StartedAt = DateTimeOffset.FromUnixTimeSeconds(5),
            ParentShardIds = ["parent"],
        };
        var parent = new Lease { LeaseKey = "parent", Checkpoint = CheckpointPosition.ShardEnd };
        Step(new LeaseEvent.Tick());
        Step(new LeaseEvent.TableListed(hasParent ? [Read(row), Read(parent)] : [Read(row)], _now, ReadConsistency.Strong));
        LeaseWrite write = Assert.Single(_all.OfType<LeaseCommand.WriteOne>()).Write.Write;
        Assert.Equal(checkpoint, write.Set.TryGetValue(Lease.Names.Checkpoint, out Lease.Value written) ? written.Text : null);
        // the two are written together, as KCL does
        Assert.Equal(checkpoint is not null, write.Set.ContainsKey(Lease.Names.CheckpointSubSequenceNumber));
        Assert.Equal(startedAt, write.Set.TryGetValue(Lease.Names.StartedAt, out Lease.Value time) ? time.WholeNumber : null);
    }

    [Fact]
    public void Nothing_is_taken_and_no_request_answered_while_the_stream_is_another()
    {
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.StreamName] = "invoices" });
        List();
        Assert.Equal(LeaseCommand.Tell.Block.Reason.AnotherStream, Assert.Single(_commands.OfType<LeaseCommand.Tell.Block>()).Why);
        Assert.Empty(_commands.OfType<LeaseCommand.WriteOne>());
        _row = LeaseWorld.Changed(_row, [], Lease.Names.StreamName);
        _now += TimeSpan.FromSeconds(3);
        List();
        Assert.True(Assert.Single(_commands.OfType<LeaseCommand.Tell.Block>()).IsOver);
        Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
    }

    [Fact]
    public void A_violation_loses_its_lease_and_the_third_loses_all()
    {
        Owned();
        Step(new LeaseEvent.Violated("something", "0"));
        Assert.IsType<Hold.Lost>(Hold);
        Assert.Equal("0", Assert.Single(_commands.OfType<LeaseCommand.Tell.Violated>()).Key);
        Step(new LeaseEvent.Ended("0", 5));
        List();
        Assert.IsType<Hold.NotHeld>(Hold);
        Step(new LeaseEvent.Violated("something", "0"));
        Step(new LeaseEvent.Violated("something", "0"));
        Assert.Null(Assert.Single(_commands.OfType<LeaseCommand.Tell.Violated>()).Key);
    }

    [Fact]
    public void A_worker_takes_no_more_than_it_may()
    {
        _state = Create(_state.Configuration with { MaxLeases = 2 });
        Lease[] rows = [.. Enumerable.Range(0, 5).Select(static i => Read(new Lease { LeaseKey = $"{i}" }))];
        Step(new LeaseEvent.Tick());
        Step(new LeaseEvent.TableListed(rows, _now, ReadConsistency.Strong));
        Assert.Equal(2, _commands.OfType<LeaseCommand.WriteOne>().Count());
    }

    [Fact]
    public void A_worker_takes_no_more_than_its_share()
    {
        // of six leases another has two
        Lease[] rows = [.. Enumerable.Range(0, 6).Select(static i => Read(i < 2
            ? new Lease { LeaseKey = $"{i}", LeaseCounter = 3, LeaseOwner = "B", TakenBy = "B", Session = "process-B/3" }
            : new Lease { LeaseKey = $"{i}" }))];
        Step(new LeaseEvent.Tick());
        Step(new LeaseEvent.TableListed(rows, _now, ReadConsistency.Strong));
        Assert.Equal(3, _commands.OfType<LeaseCommand.WriteOne>().Count());
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public void A_large_table_is_taken_in(int leases)
    {
        // no time is asserted: the figures are for whoever wants to see them
        Lease[] rows = [.. Enumerable.Range(0, leases).Select(i => Read(new Lease
        {
            LeaseKey = $"shardId-{i:D12}",
            LeaseOwner = $"worker-{i % 9}",
            TakenBy = $"worker-{i % 9}",
            LeaseCounter = 7,
            Session = $"process-{i % 9}/3",
        }))];
        for (int round = 0; round < 8; round++)
        {
            ListAll([.. rows.Select(row => row with { LeaseCounter = 8 + round })]);
        }

        Assert.Equal(leases, _state.Leases.Count);
        Assert.Equal(8, _all.OfType<LeaseCommand.List>().Count());
    }

    [Fact]
    public void The_first_lists_of_a_start_follow_each_other_at_once_and_later_ones_wait()
    {
        LeaseCommand.WriteOne take = Taking();
        List<double> gaps = [];
        while (gaps.Count < 4)
        {
            TimeSpan listed = _now;
            // it failed, for whatever reason: the table tells
            Answer(take.Request, new LeaseWrite.Result(LeaseWrite.Outcome.NotWritten));
            Until<LeaseCommand.List>(_now + s_d);
            gaps.Add((_now - listed).TotalMilliseconds);
            Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Eventual));
            take = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        }

        Assert.Equal([5, 5, 100, 100], gaps);
    }

    [Fact]
    public void The_lists_of_a_stop_follow_each_other_at_once()
    {
        Owned();
        List();
        TimeSpan begun = _now;
        Step(new LeaseEvent.StopWanted(_now, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(3)));
        Step(new LeaseEvent.Ended("0", 5));
        Until<LeaseCommand.List>(_now + s_d);
        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Eventual));
        LeaseCommand.WriteOne release = Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
        _row = Apply(release.Write.Write);
        Answer(release.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
        Assert.Equal(ReadConsistency.Strong, Until<LeaseCommand.List>(_now + s_d).Consistency);
        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Strong));
        Assert.Single(_commands.OfType<LeaseCommand.Tell.Stopped>());
        Assert.Equal(10, (_now - begun).TotalMilliseconds);
    }

    private void ListAll(IReadOnlyList<Lease> rows)
    {
        _now += TimeSpan.FromSeconds(30);
        Step(new LeaseEvent.Tick());
        long begun = TimeProvider.System.GetTimestamp();
        Step(new LeaseEvent.TableListed(rows, _now, ReadConsistency.Eventual));
        double milliseconds = TimeProvider.System.GetElapsedTime(begun).TotalMilliseconds;
        TestContext.Current.TestOutputHelper?.WriteLine($"{rows.Count} leases: {milliseconds:0.0} ms, {_commands.Length} commands");
    }

    private readonly List<LeaseCommand> _all = [];

    private static LeaseTableState Create(Settings settings) =>
        LeaseTableState.Create(settings, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 1, TimeSpan.FromSeconds(100));

    private static Lease Read(Lease lease) => Lease.Read(lease.LeaseKey, lease.ToAttributes());

    private static CheckpointPosition Position(string number) => CheckpointPosition.Parse(number);

    private void Step(LeaseEvent e)
    {
        (_state, _commands) = LeaseMachine.Step(_state, e, _now);
        _all.AddRange(_commands);
    }

    /// <summary>Ticks at each deadline until then.</summary>
    private void Until(TimeSpan end)
    {
        while (LeaseMachine.NextDeadline(_state) is var next && next <= end)
        {
            _now = next > _now ? next : _now;
            Step(new LeaseEvent.Tick());
        }

        _now = end;
    }

    private T Until<T>(TimeSpan end)
        where T : LeaseCommand
    {
        while (true)
        {
            TimeSpan next = LeaseMachine.NextDeadline(_state);
            Assert.True(next <= end, $"No {typeof(T).Name} until {end}; the next deadline is {next}.");
            _now = next > _now ? next : _now;
            Step(new LeaseEvent.Tick());
            if (_commands.OfType<T>().FirstOrDefault() is { } found)
            {
                return found;
            }
        }
    }

    /// <summary>The same, while renewals are answered.</summary>
    private void Renewing<T>()
        where T : LeaseCommand
    {
        while (!_commands.OfType<T>().Any())
        {
            TimeSpan next = LeaseMachine.NextDeadline(_state);
            _now = next > _now ? next : _now;
            Step(new LeaseEvent.Tick());
            if (_commands.OfType<LeaseCommand.Send>().FirstOrDefault() is { } send
                && LeaseMachine.Renew(send.Leases[0], null) is { } write)
            {
                ImmutableArray<LeaseCommand> before = _commands;
                Step(new LeaseEvent.Sent(send.Request, [new LeaseEvent.Outgoing("0", 5, write)], _now));
                _row = Apply(write);
                Answer(send.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
                _commands = [.. before, .. _commands];
            }
            else if (_commands.OfType<LeaseCommand.Send>().FirstOrDefault() is { } nothing)
            {
                Step(new LeaseEvent.Sent(nothing.Request, [], _now));
            }
        }
    }

    private void List()
    {
        if (_state.Table.ListingSince is null)
        {
            _now = LeaseMachine.NextDeadline(_state) is var next && next > _now
                && _state.Table.ListedAt is not null ? _now + TimeSpan.FromSeconds(1) : _now;
            Step(new LeaseEvent.Tick());
            while (_state.Table.ListingSince is null)
            {
                _now += TimeSpan.FromMilliseconds(100);
                Step(new LeaseEvent.Tick());
            }
        }

        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Eventual));
    }

    /// <summary>A list that begins then.</summary>
    private void ListAt(TimeSpan begun)
    {
        Until(begun);
        while (_state.Table.ListingSince is null)
        {
            _now += TimeSpan.FromMilliseconds(100);
            Step(new LeaseEvent.Tick());
        }

        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Eventual));
    }

    private LeaseCommand.WriteOne Taking()
    {
        Step(new LeaseEvent.Tick());
        Assert.Contains(_commands, static command => command is LeaseCommand.List { Consistency: ReadConsistency.Strong });
        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Strong));
        return Assert.Single(_commands.OfType<LeaseCommand.WriteOne>());
    }

    private LeaseCommand.WriteOne TakeListed()
    {
        while (true)
        {
            Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Eventual));
            if (_commands.OfType<LeaseCommand.WriteOne>().FirstOrDefault() is { } take)
            {
                return take;
            }

            Until<LeaseCommand.List>(_now + TimeSpan.FromSeconds(30));
        }
    }

    private void Owned()
    {
        LeaseCommand.WriteOne take = Taking();
        _row = Apply(take.Write.Write);
        Answer(take.Request, new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row));
        Assert.IsType<Hold.Owned>(Hold);
    }

    private (LeaseCommand.Send Send, LeaseWrite Write) Checkpoint(string position)
    {
        Step(new LeaseEvent.CheckpointWanted("0", 5, IsUrgent: true));
        LeaseCommand.Send send = Until<LeaseCommand.Send>(_now + TimeSpan.FromSeconds(1));
        LeaseWrite write = LeaseMachine.Renew(send.Leases[0], new(Position(position), null))!;
        Step(new LeaseEvent.Sent(send.Request, [new LeaseEvent.Outgoing("0", 5, write)], _now));
        return (send, write);
    }

    private void Request(string requester)
    {
        _row = LeaseWorld.Changed(_row, new() { [Lease.Names.RequestedBy] = requester });
        List();
        Assert.IsType<Hold.HandingOff>(Hold);
    }

    private void Answer(long request, LeaseWrite.Result result) => Step(new LeaseEvent.Answered(request, [result]));

    private LeaseWrite.Result Written(LeaseWrite write) => new(LeaseWrite.Outcome.Written, Apply(write));

    private Lease Apply(LeaseWrite write) => LeaseWorld.Changed(_row, new(write.Set, StringComparer.Ordinal), [.. write.Remove]);
}
