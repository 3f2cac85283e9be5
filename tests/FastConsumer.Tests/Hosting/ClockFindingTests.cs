using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>A machine whose clock is wrong, as far as the service's answers tell.</summary>
public sealed class ClockFindingTests : WorkerTest
{
    private readonly ShiftedClock _serviceClock = new(TimeSpan.FromMinutes(-3));

    internal override EmbeddedKinesisOptions Options => new() { TimeProvider = _serviceClock };

    [Fact]
    public async Task A_clock_that_is_off_is_found_by_the_dates_of_answers()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync(static options =>
            options.Findings["FCF1015"] = new FindingOptions { RaiseAfter = TimeSpan.Zero });
        IFastConsumerControl control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        await Eventually.TrueAsync(() => Found() is not null, () => $"{host.Log}");
        Assert.Contains("behind", Found()!.Message, StringComparison.Ordinal);
        Assert.InRange(Assert.Single(Found()!.Figures).Value, -185, -175);

        Finding? Found() => control.GetSnapshot().Findings.SingleOrDefault(static finding => finding.Id == "FCF1015");
    }
}
