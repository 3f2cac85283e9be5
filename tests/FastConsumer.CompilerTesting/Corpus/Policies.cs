// Policies on method, class and assembly.
using System.Net.Http;
using System.Text.Json;
using FastConsumer;

namespace Corpus.Policies;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[{|FC4003:OnError(typeof(JsonException), ErrorAction.Retry)|}]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
public sealed partial class RetriesBadJson(HttpClient http)
{
    [OnRecord]
    public Task HandleAsync(Order order, CancellationToken cancellationToken) =>
        http.GetStringAsync(order.Id, cancellationToken);
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[{|FC4003:OnError(typeof(Exception), ErrorAction.Retry)|}]
public sealed partial class RetriesEverything(IOrderBook book)
{
    [OnRecord]
    public ValueTask HandleAsync(Order order, CancellationToken cancellationToken) => book.AddAsync(order, cancellationToken);
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry)]
public sealed partial class RetriesTheRest(IOrderBook book)
{
    [OnRecord]
    public ValueTask HandleAsync(Order order, CancellationToken cancellationToken) => book.AddAsync(order, cancellationToken);
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 10, Then = ErrorAction.DeadLetter)]
public sealed partial class RetriesTenTimes(IOrderBook book)
{
    [OnRecord]
    public ValueTask HandleAsync(Order order, CancellationToken cancellationToken) => book.AddAsync(order, cancellationToken);
}

[KinesisProcessor("orders")]
[{|FC4003:OnError(typeof(Exception), ErrorAction.Retry)|}]
public sealed partial class ParsesAndRetries
{
    [OnRecord]
    public void Handle(string number) => Console.WriteLine(long.Parse(number));
}

[KinesisProcessor("orders")]
[OnError(typeof(Exception), ErrorAction.Retry)]
public sealed partial class TextOnly(IDeadLetters letters)
{
    [OnRecord]
    public Task HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        letters.SendAsync("all", data, cancellationToken);
}
