using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>A stream whose key the worker may not use.</summary>
public sealed class StreamKeyTests : WorkerTest
{
    private const string Key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";

    private readonly GatedClock _clock = new(TimeSpan.FromSeconds(30));

    [Theory]
    [InlineData("KMSAccessDeniedException")]
    [InlineData("KMSDisabledException")]
    [InlineData("KMSNotFoundException")]
    public async Task What_the_key_refuses_is_said_tried_slowly_and_not_lost(string code)
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Engine.SetKey(Stream, Key);
        List<string> texts = Put(20);
        Kinesis.Faults.Fail("GetRecords", code, "The service says no.", times: int.MaxValue);
        await using (WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<EventProcessor>();
                consumer.UseInMemoryLeases(Leases);
            },
            services: services => services.AddSingleton<TimeProvider>(_clock)))
        {
            await host.StartAsync();
            AssertNamesAll(await host.WaitForHealthAsync(HealthStatus.Unhealthy));
            AssertNamesAll((await host.WaitForLogAsync(2003)).Error!.Message);

            for (int tries = 1; tries <= 3; tries++)
            {
                await Eventually.TrueAsync(() => _clock.Waiting == 1, () => host.Log.ToString());
                Assert.Equal(tries, Kinesis.RequestCount("GetRecords"));
                texts.AddRange(Put(10));
                if (tries == 3)
                {
                    Kinesis.Faults.Clear();
                }

                _clock.Pass();
            }

            await Journal.WaitForAsync(texts, host.Log);
            await host.WaitForHealthAsync(HealthStatus.Healthy);
            // at the start, and once for the message
            Assert.Equal(2, Kinesis.RequestCount("DescribeStreamSummary"));
            Assert.Equal(1, Kinesis.RequestCount("GetShardIterator"));
        }

        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
    }

    private static void AssertNamesAll(string text)
    {
        Assert.Contains(Key, text, StringComparison.Ordinal);
        Assert.Contains("kms:Decrypt", text, StringComparison.Ordinal);
        Assert.Contains("(access key id test)", text, StringComparison.Ordinal);
        Assert.Contains("The service says no.", text, StringComparison.Ordinal);
    }

    /// <summary>The system's clock, but delays of one length wait for the test.</summary>
    private sealed class GatedClock(TimeSpan gated) : TimeProvider
    {
        private readonly ConcurrentQueue<GatedTimer> _waiting = new();

        public int Waiting => _waiting.Count;

        public void Pass()
        {
            while (_waiting.TryDequeue(out GatedTimer? timer))
            {
                ThreadPool.QueueUserWorkItem(static timer => timer.Fire(), timer, preferLocal: false);
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != gated)
            {
                return base.CreateTimer(callback, state, dueTime, period);
            }

            var timer = new GatedTimer(callback, state);
            _waiting.Enqueue(timer);
            return timer;
        }

        private sealed class GatedTimer(TimerCallback callback, object? state) : ITimer
        {
            private volatile bool _isDisposed;

            public void Fire()
            {
                if (!_isDisposed)
                {
                    callback(state);
                }
            }

            public bool Change(TimeSpan dueTime, TimeSpan period) => !_isDisposed;

            public void Dispose() => _isDisposed = true;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
