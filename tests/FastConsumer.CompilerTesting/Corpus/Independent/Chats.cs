// Written from the rules' pages alone. The marks were set before anything was run.
using System.IO;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using FastConsumer;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Corpus.Independent.Chats;

public sealed record Chat(string Room, string User, string Text);

[JsonSerializable(typeof(Chat))]
public sealed partial class ChatsJson : JsonSerializerContext;

public interface IRooms
{
    Task PostAsync(Chat chat, CancellationToken cancellationToken);

    Task<string?> ModerateAsync(Chat chat, CancellationToken cancellationToken);

    Task ParkAsync(Chat chat, string reason, CancellationToken cancellationToken);
}

public sealed class RoomClosedException : Exception;

public sealed class ModerationException(string message, Exception inner) : Exception(message, inner);

/// <summary>A filter that only looks, so that the stack is not unwound; the clause behind it is never entered.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 7)]
public sealed partial class LogsInTheFilter(IRooms rooms, ILogger<LogsInTheFilter> logger)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        try
        {
            await rooms.PostAsync(chat, cancellationToken);
        }
        catch (Exception e) when (Log(e))
        {
        }
    }

    private bool Log(Exception e)
    {
        logger.LogError(e, "Not posted");
        return false;
    }
}

/// <summary>Failures of several calls, of which some are expected: AggregateException.Handle throws for the others.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 7)]
public sealed partial class HandlesSome(IRooms rooms)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        Task all = Task.WhenAll(chat.Room.Split(',').Select(room => rooms.PostAsync(chat with { Room = room }, cancellationToken)));
        try
        {
            await all;
        }
        catch when (all.Exception is not null)
        {
            all.Exception.Handle(e => e is RoomClosedException);
        }
    }
}

/// <summary>A room that is closed is the application's own outcome: the chat is parked.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class Parks(IRooms rooms)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        try
        {
            await rooms.PostAsync(chat, cancellationToken);
        }
        catch (RoomClosedException e)
        {
            await rooms.ParkAsync(chat, e.GetType().Name, cancellationToken);
        }
    }
}

/// <summary>Moderation is best effort: without an answer the text goes out as it is.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class ModeratesIfPossible(IRooms rooms, ILogger<ModeratesIfPossible> logger)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = await rooms.ModerateAsync(chat, cancellationToken) ?? chat.Text;
        }
        catch (TimeoutException e)
        {
            logger.LogWarning(e, "Not moderated");
            text = chat.Text;
        }

        await rooms.PostAsync(chat with { Text = text }, cancellationToken);
    }
}

/// <summary>A stop is told from a failure by hand, in the first line of the clause.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 7)]
public sealed partial class AsksFirst(IRooms rooms)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        try
        {
            await rooms.PostAsync(chat, cancellationToken);
        }
        catch (Exception e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await rooms.ParkAsync(chat, e.Message, CancellationToken.None);
        }
    }
}

/// <summary>A loop until it is stopped, as in a background service: the stop ends it like success.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class UntilStopped(IRooms rooms, ILogger<UntilStopped> logger)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await rooms.PostAsync(chat, cancellationToken);
                return;
            }
            catch (IOException e)
            {
                logger.LogWarning(e, "Again");
                await Task.Delay(1000, cancellationToken);
            }
            {|FC2004:catch (OperationCanceledException)|}
            {
                break;
            }
        }
    }
}

/// <summary>Polly's retries are used up, and its last exception ends in a log.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class RetriesAndLogs(IRooms rooms, ILogger<RetriesAndLogs> logger)
{
    private static readonly ResiliencePipeline s_pipeline = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 3 })
        .AddTimeout(TimeSpan.FromSeconds(2))
        .Build();

    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        try
        {
            await s_pipeline.ExecuteAsync(async token => await rooms.PostAsync(chat, token), cancellationToken);
        }
        {|FC2002:catch (TimeoutRejectedException e)|}
        {
            logger.LogError(e, "Room {Room} is slow", chat.Room);
        }
    }
}

/// <summary>A socket that is opened for each record; what fails is counted in a tuple that is only shown.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(ModerationException), ErrorAction.Retry, MaxAttempts = 7)]
public sealed partial class OverSockets(ILogger<OverSockets> logger)
{
    private (int Sent, int Failed) _counts;

    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("chat.internal", 7000, cancellationToken);
            await client.GetStream().WriteAsync(System.Text.Encoding.UTF8.GetBytes(chat.Text), cancellationToken);
            _counts.Sent++;
        }
        {|FC2002:catch (SocketException)|}
        {
            _counts.Failed++;
        }
        catch (IOException e)
        {
            throw new ModerationException("not sent", e);
        }
        finally
        {
            logger.LogDebug("{Counts}", _counts);
        }
    }
}

/// <summary>A flag says whether it worked, and a caller asks it.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(InvalidOperationException), ErrorAction.Retry, MaxAttempts = 7)]
public sealed partial class Flags(IRooms rooms, ILogger<Flags> logger)
{
    private bool _failed;

    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        _failed = false;
        await PostAsync(chat, cancellationToken);
        if (_failed)
        {
            throw new InvalidOperationException("not posted");
        }
    }

    private async Task PostAsync(Chat chat, CancellationToken cancellationToken)
    {
        try
        {
            await rooms.PostAsync(chat, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            logger.LogWarning(e, "Not posted");
            _failed = true;
        }
    }
}

/// <summary>A time-out of the house's own, without the handler's token: what runs into it is lost.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class OwnTimeOut(IRooms rooms, ILogger<OwnTimeOut> logger)
{
    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        try
        {
            await rooms.PostAsync(chat, time.Token);
        }
        {|FC2002:catch (OperationCanceledException)|}
        {
            logger.LogWarning("Room {Room} is slow", chat.Room);
        }
    }
}

/// <summary>Work is handed to a reader that the shard's start runs, and the handler waits for its answer by a source in the item.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 7)]
[Concurrency(64)]
public sealed partial class Actors(IRooms rooms)
{
    private sealed record Item(Chat Chat, TaskCompletionSource<bool> Answer);

    private readonly Channel<Item> _items = Channel.CreateBounded<Item>(64);
    private Task? _reader;

    [OnShardStarted]
    public void Start(ShardContext shard, CancellationToken cancellationToken) => _reader = ReadAsync(CancellationToken.None);

    [OnRecord]
    public async Task HandleAsync(Chat chat, CancellationToken cancellationToken)
    {
        var item = new Item(chat, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        await _items.Writer.WriteAsync(item, cancellationToken);
        if (!await item.Answer.Task)
        {
            throw new RoomClosedException();
        }
    }

    [OnStopping]
    public async Task StopAsync(ShardContext shard, CancellationToken cancellationToken)
    {
        _items.Writer.TryComplete();
        await (_reader ?? Task.CompletedTask);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        await foreach (Item item in _items.Reader.ReadAllAsync(cancellationToken))
        {
            try
            {
                await rooms.PostAsync(item.Chat, cancellationToken);
                item.Answer.TrySetResult(true);
            }
            catch (RoomClosedException)
            {
                item.Answer.TrySetResult(false);
            }
            catch (Exception e)
            {
                item.Answer.TrySetException(e);
            }
        }
    }
}

/// <summary>An iterator of tasks that is walked for its effect, and never awaited.</summary>
[KinesisProcessor("chats", JsonContext = typeof(ChatsJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class WalksTasks(IRooms rooms)
{
    [OnRecord]
    public void Handle(Chat chat, CancellationToken cancellationToken)
    {
        {|FC2003:chat.Room.Split(',').Select(room => rooms.PostAsync(chat with { Room = room }, cancellationToken)).ToList()|};
    }
}
