using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Processors;

namespace FastConsumer.Tests.Dispatch;

/// <summary>Progress and cursors between threads that really run beside each other: what virtual time cannot show.</summary>
public sealed class ContentionTests
{
    private const int Lanes = 4;

    /// <summary>
    /// Lanes complete the records of shared pages while others look at what is done, make it durable and ask for room: done never goes back
    /// nor beyond what is contiguous, and each page is returned once.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(257)]
    public async Task Done_is_contiguous_and_each_page_is_returned_once(int recordsOfAPage)
    {
        int pages = 20_000 / recordsOfAPage;
        var budget = new ByteBudget(long.MaxValue);
        ByteBudget.Account account = budget.OpenAccount();
        int[] finished = new int[Lanes];
        long[] completed = new long[pages];
        using var progress = new ShardProgress(Pages.At(0), static () => { });
        List<RecordPage> all = [];
        for (int number = 0; number < pages; number++)
        {
            RecordPage page = new(
                Pages.Answer(1 + (number * recordsOfAPage), recordsOfAPage),
                await account.ReserveAsync(1000, TestContext.Current.CancellationToken));
            PageLanes links = page.OpenLanes(finished);
            for (int i = 0; i < recordsOfAPage; i++)
            {
                links.SetBucket(i, i % Lanes);
            }

            progress.Dispatched(page);
            all.Add(page);
        }

        using var isOver = new CancellationTokenSource();
        Task<long>[] lookers =
        [
            .. Enumerable.Range(0, 2).Select(_ => OnThread(() => Look(progress, completed, recordsOfAPage, isOver.Token))),
        ];
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => OnThread(() =>
        {
            for (int number = 0; number < pages; number++)
            {
                for (int i = lane; i < recordsOfAPage; i += Lanes)
                {
                    // counted before: whoever sees it done sees it counted
                    Interlocked.Increment(ref completed[number]);
                    progress.Completed(all[number], i);
                }
            }

            return 0L;
        })));
        await isOver.CancelAsync();
        long counted = progress.Advance() + (await Task.WhenAll(lookers)).Sum();

        Assert.Equal(pages * recordsOfAPage, counted);
        Assert.Equal(Pages.At(pages * recordsOfAPage), progress.Done);
        Assert.Equal(0, progress.InFlight);
        Assert.Null(progress.OldestInFlight);
        // nothing is held, and nothing was given back twice
        Assert.Equal(0, budget.Used);
    }

    /// <summary>A stop that comes while a cursor opens pages, ends runs and goes on: once it is seen, no further record starts.</summary>
    [Fact]
    public async Task After_a_stop_no_further_record_starts()
    {
        for (int round = 0; round < 300; round++)
        {
            using var progress = new ShardProgress(Pages.At(0), static () => { });
            var cursor = new RecordCursor(Pages.Shard, progress, recordsPerCheckpoint: 7);
            long started = 0;
            using var runs = new ManualResetEventSlim();
            Task<long> running = OnThread(() =>
            {
                int first = 1;
                while (!cursor.StopRequested)
                {
                    RecordPage page = Pages.Page(first, 16);
                    first += 16;
                    progress.Dispatched(page);
                    cursor.Open(page);
                    while (!cursor.AtEnd && !cursor.StopRequested)
                    {
                        cursor.EndBehindCurrent();
                        while (cursor.MoveNext())
                        {
                            Interlocked.Increment(ref started);
                            cursor.Complete();
                        }

                        if (!cursor.AtEnd)
                        {
                            cursor.EndWithPage();
                            while (cursor.MoveNext())
                            {
                                Interlocked.Increment(ref started);
                                cursor.Complete();
                            }
                        }
                    }

                    progress.Advance();
                    runs.Set();
                }

                return Interlocked.Read(ref started);
            });
            runs.Wait(TestContext.Current.CancellationToken);
            Thread.SpinWait(round * 7);
            cursor.RequestStop();
            long atStop = Interlocked.Read(ref started);
            long atEnd = await running;

            // the one that runs goes on, and one may be just between the question and its start
            Assert.InRange(atEnd - atStop, 0, 1);
        }
    }

    /// <summary>Looks until it is over; the records that it was the first to count.</summary>
    private static long Look(ShardProgress progress, long[] completed, int recordsOfAPage, CancellationToken isOver)
    {
        CheckpointPosition before = progress.Done;
        long counted = 0;
        while (!isOver.IsCancellationRequested)
        {
            counted += progress.Advance();
            CheckpointPosition done = progress.Done;
            Assert.True(done >= before, $"Done went back from {before} to {done}.");
            before = done;
            long number = long.Parse(done.SequenceNumber.ToString(), System.Globalization.CultureInfo.InvariantCulture);
            // all pages before it are complete
            for (long page = Math.Max(0, (number / recordsOfAPage) - 3); page < number / recordsOfAPage; page++)
            {
                Assert.Equal(recordsOfAPage, Interlocked.Read(ref completed[page]));
            }

            progress.MadeDurable(done);
            Assert.True(progress.Durable <= progress.Done, "Something is durable that is not done.");
            Assert.InRange(progress.InFlight, 0, completed.Length * recordsOfAPage);
            _ = progress.OldestInFlight;
            Assert.True(progress.CheckpointAge >= TimeSpan.Zero);
        }

        return counted;
    }

    private static Task<T> OnThread<T>(Func<T> work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
}
