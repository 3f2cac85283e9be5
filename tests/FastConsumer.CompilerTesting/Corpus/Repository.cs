// An EF-like unit of work per record.
using FastConsumer;
using Microsoft.EntityFrameworkCore;

namespace Corpus.Repository;

public sealed class OrderEntity
{
    public required string Id { get; init; }
}

public sealed class OrdersContext : DbContext
{
    public DbSet<OrderEntity> Orders => Set<OrderEntity>();
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class OrderWriter
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Order order, [FromServices] OrdersContext db, CancellationToken cancellationToken)
    {
        if (await db.Orders.FindAsync([order.Id], cancellationToken) is not null)
        {
            return;
        }

        db.Orders.Add(new OrderEntity { Id = order.Id });
        await db.SaveChangesAsync(cancellationToken);
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(DbUpdateException), ErrorAction.Retry, MaxAttempts = 3)]
public sealed partial class SyncOrderWriter
{
    [OnRecord]
    public void Handle(Order order, [FromServices] OrdersContext db)
    {
        db.Orders.Add(new OrderEntity { Id = order.Id });
        {|FC3001:db.SaveChanges()|};
    }
}
