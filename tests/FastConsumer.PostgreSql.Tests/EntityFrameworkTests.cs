using FastConsumer.Integration.Tests.Fixtures;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests;

/// <summary>A context of EF Core writes in the transaction that a handler is given, as docs/guides/transactions.md shows.</summary>
public sealed class EntityFrameworkTests(PostgreSqlServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_context_saves_is_there_with_the_position_or_not_at_all(bool isCommitted)
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 1, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await using (var db = new EffectsContext(
            new DbContextOptionsBuilder<EffectsContext>().UseNpgsql(transaction.Connection!).Options))
        {
            await db.Database.UseTransactionAsync(transaction, Cancellation);
            db.Effects.Add(new EffectRow("by a context"));
            await db.SaveChangesAsync(Cancellation);
        }

        if (isCommitted)
        {
            Assert.True(await store.CommitAsync(transaction, Place.Key, row, CheckpointPosition.Parse("7"), Cancellation));
        }

        await store.EndAsync(transaction);

        Assert.Equal(isCommitted ? ["by a context"] : [], await place.EffectsAsync());
        Assert.Equal(
            isCommitted ? CheckpointPosition.Parse("7") : null, (await store.ReadAsync(Place.Key, Cancellation))!.Position);
    }

    private sealed record EffectRow(string Effect);

    private sealed class EffectsContext(DbContextOptions<EffectsContext> options) : DbContext(options)
    {
        public DbSet<EffectRow> Effects => Set<EffectRow>();

        protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<EffectRow>(static row =>
        {
            row.ToTable("effects");
            row.HasKey(static effect => effect.Effect);
            row.Property(static effect => effect.Effect).HasColumnName("effect");
        });
    }
}
