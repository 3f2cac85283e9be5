using System.Collections.Concurrent;
using FastConsumer;
using FastConsumer.Testing.Harness;
using FastConsumer.Testing.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace UnitTest;

public sealed class OrderProcessorTests
{
    [Fact]
    public async Task Orders_are_saved()
    {
        var book = new OrderBook();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<OrderProcessor>(
            services => services.AddSingleton<IOrderBook>(book));

        harness.Put("customer-1", """{"id":1,"total":9.50}""");
        harness.Put("customer-2", new Order(2, 20), OrderJson.Default.Order);
        await harness.WaitUntilDoneAsync();

        Assert.Equal([1, 2], book.Orders.Keys.Order());
    }

    [Fact]
    public async Task What_is_no_order_is_skipped_and_a_negative_total_stops_the_shard()
    {
        var book = new OrderBook();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<OrderProcessor>(
            services => services.AddSingleton<IOrderBook>(book));

        harness.Put("customer-1", "no order");
        harness.Put("customer-1", """{"id":1,"total":9.50}""");
        harness.Put("customer-1", """{"id":2,"total":-1}""");
        harness.Put("customer-1", """{"id":3,"total":9.50}""");
        RecordsNotDoneException error = await Assert.ThrowsAsync<RecordsNotDoneException>(() => harness.WaitUntilDoneAsync());

        Assert.Equal([1], book.Orders.Keys);
        Assert.Equal("Order 2 has a negative total.", error.InnerException!.Message);
    }

    [Fact]
    public async Task An_order_that_comes_again_after_a_crash_is_saved_once()
    {
        var book = new OrderBook();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<OrderProcessor>(services =>
            services.AddSingleton<IOrderBook>(book).AddFastConsumer(options => options.CheckpointInterval = TimeSpan.FromHours(1)));
        harness.Put("customer-1", """{"id":1,"total":9.50}""");
        await harness.WaitUntilAsync(() => book.Saves == 1);

        await harness.CrashAsync();
        await harness.RestartAsync();
        await harness.WaitUntilAsync(() => book.Saves == 2);

        Assert.Equal([1], book.Orders.Keys);
    }

    [Fact]
    public async Task Orders_stay_complete_over_a_split()
    {
        var book = new OrderBook();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<OrderProcessor>(
            services => services.AddSingleton<IOrderBook>(book));

        for (int id = 1; id <= 100; id++)
        {
            harness.Put($"customer-{id}", new Order(id, 10), OrderJson.Default.Order);
            if (id == 50)
            {
                harness.SplitShard("shardId-000000000000");
            }
        }

        await harness.WaitUntilDoneAsync();

        Assert.Equal(Enumerable.Range(1, 100), book.Orders.Keys.Order());
        Assert.Equal(CheckpointPosition.ShardEnd, harness.Checkpoints["shardId-000000000000"]);
    }

    [Fact]
    public async Task What_a_customer_has_spent_is_forgotten_a_day_after_the_last_order()
    {
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<SpendingProcessor>();
        harness.Put("customer-1", new Order(1, 10), OrderJson.Default.Order);
        harness.Put("customer-1", new Order(2, 5), OrderJson.Default.Order);
        await harness.WaitUntilDoneAsync();
        Assert.Equal(15, harness.State<decimal>("spent", "customer-1").Value);

        harness.Advance(TimeSpan.FromHours(25));
        harness.Put("customer-1", new Order(3, 1), OrderJson.Default.Order);
        await harness.WaitUntilDoneAsync();
        Assert.Equal(1, harness.State<decimal>("spent", "customer-1").Value);
    }

    [Fact]
    public Task Orders_are_complete_whatever_happens_to_a_cluster_of_workers() =>
        ClusterSimulation.RunAsync<OrderProcessor>(firstSeed: 1, seeds: 10, () =>
        {
            var book = new OrderBook();
            return new ClusterSimulationOptions
            {
                Services = services => services.AddSingleton<IOrderBook>(book),
                Record = id => new SimulatedRecord($"customer-{id % 10}", $$"""{"id":{{id}},"total":9.50}"""),
                Verify = outcome => Assert.Equal(Enumerable.Range(0, outcome.Records.Count), book.Orders.Keys.Order()),
            };
        });

    private sealed class OrderBook : IOrderBook
    {
        private int _saves;

        public ConcurrentDictionary<int, Order> Orders { get; } = new();

        public int Saves => _saves;

        public Task SaveAsync(Order order, CancellationToken cancellationToken)
        {
            Orders[order.Id] = order;
            Interlocked.Increment(ref _saves);
            return Task.CompletedTask;
        }
    }
}
