// Options in code.
using System.Net.Http;
using FastConsumer;
using Microsoft.Extensions.DependencyInjection;

namespace Corpus.Startup;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class SlowProcessor(IOrderBook book)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < 3; attempt++)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), cancellationToken);
        }

        await book.AddAsync(order, cancellationToken);
    }
}

[KinesisProcessor("clicks", JsonContext = typeof(CorpusJson))]
public sealed partial class QuickProcessor(IOrderBook book)
{
    [OnRecord]
    public async Task HandleAsync(Click click, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(4));
        await book.FindAsync(click.User, timeout.Token);
    }
}

public static class Services
{
    public static void Add(IServiceCollection services, TimeSpan fromConfiguration)
    {
        services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "corpus";
                options.LeaseDuration = {|FC4002:TimeSpan.FromSeconds(10)|};
                options.Limit = {|FC4001:20_000|};
                options.IdlePollInterval = {|FC4001:TimeSpan.FromMilliseconds(100)|};
                options.CheckpointInterval = {|FC4001:TimeSpan.Parse("5")|};
                options.ShardSyncInterval = fromConfiguration;
            })
            .AddProcessor<SlowProcessor>()
            .AddProcessor<QuickProcessor>(options =>
            {
                options.LeaseDuration = TimeSpan.FromSeconds(5);
                options.Limit = {|FC4004:500|};
                options.IdlePollInterval = {|FC4004:TimeSpan.FromSeconds(1.5)|};
            });
        services.AddFastConsumer("other", options => options.LeaseDuration = TimeSpan.FromSeconds(30))
            .AddProcessor<SlowProcessor>(options =>
            {
                options.Limit = 2_000;
                options.IdlePollInterval = TimeSpan.FromSeconds(1);
            });
    }
}
