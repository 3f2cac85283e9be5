// What the processors of this folder share; libraries are referenced as packages.
using System.Text.Json.Serialization;

namespace Corpus
{
    public sealed record Order(string Id, string Customer, decimal Amount);

    public sealed record Click(string User, string Page, long At);

    public sealed record Reading(string Sensor, double Value);

    [JsonSerializable(typeof(Order))]
    [JsonSerializable(typeof(Click))]
    [JsonSerializable(typeof(Reading))]
    public sealed partial class CorpusJson : JsonSerializerContext;

    public interface IOrderBook
    {
        ValueTask AddAsync(Order order, CancellationToken cancellationToken = default);

        Task<Order?> FindAsync(string id, CancellationToken cancellationToken = default);

        void Add(Order order);
    }

    public interface IDeadLetters
    {
        Task SendAsync(string reason, ReadOnlyMemory<byte> data);

        Task SendAsync(string reason, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);
    }

    public interface IProbe
    {
        event EventHandler? Changed;
    }
}
