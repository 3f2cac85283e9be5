// The libraries that the processors of this folder use, as far as they use them.
using System.IO;
using System.Text.Json.Serialization;
using Amazon.Runtime;

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

namespace Amazon.S3
{
    public interface IAmazonS3 : IAmazonService
    {
        Task<string> PutObjectAsync(string bucket, string key, Stream content, CancellationToken cancellationToken = default);
    }
}

namespace Amazon.DynamoDBv2
{
    public interface IAmazonDynamoDB : IAmazonService
    {
        Task<int> PutItemAsync(string table, Dictionary<string, string> item, CancellationToken cancellationToken = default);
    }

    public class ConditionalCheckFailedException(string message) : AmazonServiceException(message);
}

namespace Microsoft.EntityFrameworkCore
{
    public class DbUpdateException(string message) : Exception(message);

    public class DbSet<T> where T : class
    {
        public void Add(T entity) { }

        public ValueTask<T?> FindAsync(object[] keys, CancellationToken cancellationToken = default) => default;
    }

    public class DbContext
    {
        public int SaveChanges() => 0;

        public Task<int> SaveChangesAsync(CancellationToken cancellationToken = default) => Task.FromResult(0);
    }
}

namespace Polly
{
    public sealed class ResiliencePipeline
    {
        public ValueTask ExecuteAsync(Func<CancellationToken, ValueTask> callback, CancellationToken cancellationToken = default) => callback(cancellationToken);
    }
}
