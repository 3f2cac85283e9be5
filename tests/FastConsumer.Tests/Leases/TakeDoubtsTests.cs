using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases;

public sealed class TakeDoubtsTests
{
    private static readonly Lease s_row = new() { LeaseKey = "0", LeaseOwner = "other", LeaseCounter = 5 };

    private readonly TakeDoubts _doubts = new();

    [Fact]
    public void A_take_that_finds_an_earlier_one_written_counts_from_the_earlier()
    {
        Assert.Equal(10, _doubts.Since(s_row, 10));
        _doubts.Add(s_row, 10);
        Assert.Equal(10, _doubts.Since(s_row, 20));
        // that settled it
        Assert.Equal(30, _doubts.Since(s_row, 30));
    }

    [Fact]
    public void Another_row_was_not_taken_by_it()
    {
        _doubts.Add(s_row, 10);
        Assert.Equal(20, _doubts.Since(s_row with { LeaseKey = "1" }, 20));
        Assert.Equal(30, _doubts.Since(s_row with { LeaseCounter = 6 }, 30));
    }
}
