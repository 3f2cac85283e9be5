using System.Text;
using FastConsumer.Diagnostics;
using FastConsumer.Operators;

namespace FastConsumer.Tests.Operators;

public sealed class ShardReportTests
{
    private static readonly DateTimeOffset s_now = new(2026, 12, 1, 10, 30, 15, TimeSpan.Zero);

    [Fact]
    public void A_report_is_read_as_it_was_written()
    {
        var report = new ShardReport
        {
            At = s_now,
            Lag = TimeSpan.FromSeconds(12.3),
            LossIn = TimeSpan.FromHours(20),
            RecordsPerSecond = 532.4,
            BytesPerSecond = 1_048_576,
            Handling = 0.34,
            State = ShardState.Handling,
            Findings = ["FCF2001", "FCF3002"],
        };

        string text = report.Write();

        Assert.Equal("1|1796121015|12.3|72000|532.4|1048576|34|Handling|2001,3002", text);
        Assert.Equivalent(report, ShardReport.Read(text), strict: true);
    }

    [Fact]
    public void What_is_not_known_stays_so()
    {
        ShardReport read = ShardReport.Read(new ShardReport { At = s_now }.Write())!;
        Assert.Null(read.Lag);
        Assert.Null(read.LossIn);
        Assert.Empty(read.Findings);
    }

    [Fact]
    public void The_longest_report_leaves_out_the_findings_that_do_not_fit()
    {
        string text = new ShardReport
        {
            At = s_now,
            Lag = TimeSpan.FromDays(365),
            LossIn = TimeSpan.FromDays(3650),
            RecordsPerSecond = 1_234_567.8,
            BytesPerSecond = 2_097_152,
            Handling = 1,
            State = ShardState.Retrying,
            Findings = [.. Enumerable.Range(1000, 60).Select(static id => $"FCF{id}")],
        }.Write();

        Assert.InRange(Encoding.UTF8.GetByteCount(text), ShardReport.MostBytes - 5, ShardReport.MostBytes);
        ShardReport read = ShardReport.Read(text)!;
        Assert.Equal("FCF1000", read.Findings[0]);
        Assert.All(read.Findings, static id => Assert.Matches("^FCF10[0-9]{2}$", id));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("by hand")]
    [InlineData("2|1796121015|12.3|72000|532.4|1048576|34|Handling|2001")]
    [InlineData("1|now|12.3|72000|532.4|1048576|34|Handling|2001")]
    [InlineData("1|9e99|12.3|72000|532.4|1048576|34|Handling|2001")]
    [InlineData("1|1796121015|-1|72000|532.4|1048576|34|Handling|2001")]
    [InlineData("1|1796121015|1e300|72000|532.4|1048576|34|Handling|2001")]
    [InlineData("1|1796121015|12.3|NaN|532.4|1048576|34|Handling|2001")]
    [InlineData("1|1796121015|12.3|72000|532.4|1048576|34|Dancing|2001")]
    [InlineData("1|1796121015|12.3|72000|532.4|1048576|34|99|2001")]
    [InlineData("1|1796121015|12.3|72000|532.4|1048576|34|Handling")]
    public void What_is_no_report_of_this_version_says_nothing(string? text) => Assert.Null(ShardReport.Read(text));

    [Fact]
    public void A_later_version_of_the_same_number_may_add_fields() =>
        Assert.NotNull(ShardReport.Read("1|1796121015|12.3|72000|532.4|1048576|34|Handling|2001|more"));
}
