using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases;

public sealed class TakenRowsTests
{
    private static readonly Lease s_row = new() { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };

    private readonly TakenRows _rows = new();

    [Fact]
    public void What_was_taken_before_is_not_taken_anew_by_a_list_that_lags_behind()
    {
        Assert.True(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Written)));
        Assert.False(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Written)));
        Assert.True(_rows.IsNew(s_row with { LeaseCounter = 6 }, Result(LeaseWriteOutcome.Written)));
        Assert.True(_rows.IsNew(s_row with { LeaseKey = "1" }, Result(LeaseWriteOutcome.Written)));
    }

    [Fact]
    public void A_take_without_an_answer_may_be_what_the_next_one_finds()
    {
        Assert.False(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Failed, new LeaseStoreException("no answer", isTransient: true))));
        Assert.False(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Written)));
    }

    [Fact]
    public void What_was_refused_or_throttled_did_nothing()
    {
        Assert.False(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Refused)));
        Assert.False(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Failed, new LeaseStoreException("throttled", isTransient: true) { IsThrottled = true })));
        Assert.True(_rows.IsNew(s_row, Result(LeaseWriteOutcome.Written)));
    }

    private static LeaseWriteResult Result(LeaseWriteOutcome outcome, Exception? error = null) => new(outcome, s_row, error);
}
