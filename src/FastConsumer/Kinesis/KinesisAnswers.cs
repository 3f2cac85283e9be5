using System.Buffers;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using FastConsumer.Buffers;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>Reads the answer of one attempt, into one pooled buffer or as a stream.</summary>
internal static class KinesisAnswers
{
    /// <summary>GetRecords answers at most 10 MiB of data: 14 MiB in base64, and up to 10,000 keys.</summary>
    private const int LargestAnswer = 40 * 1024 * 1024;

    /// <summary>
    /// What is read from the connection at once: large answers in few calls, from a buffer that fits the second-level cache.
    /// </summary>
    internal const int CopyBufferLength = 256 * 1024;

    private const int UnannouncedAnswerCapacity = 16 * 1024;
    private const int LargestError = 64 * 1024;
    private const string EventStreamMediaType = "application/vnd.amazon.eventstream";

    /// <summary>Reads a whole answer.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public static async ValueTask<AttemptOutcome<T>> ReadAsync<T>(
        KinesisCall<T> call, HttpResponseMessage response, ArrayPool<byte> pool, CancellationToken cancellationToken)
    {
        int status = (int)response.StatusCode;
        int limit = response.IsSuccessStatusCode ? LargestAnswer : LargestError;
        long? announced = response.Content.Headers.ContentLength;
        if (announced > limit)
        {
            return AttemptOutcome<T>.Failed(call.Fail(
                $"the answer is announced with {announced} bytes, more than the {limit} that are possible.",
                response.IsSuccessStatusCode ? KinesisErrorKind.InvalidResponse : ErrorCatalog.Classify(call.Operation, status, null),
                response: response));
        }

        using var body = new PooledBufferWriter(pool, (int)(announced ?? UnannouncedAnswerCapacity), limit);
        try
        {
            await using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            if (announced is { } length)
            {
                await ReadExactlyAsync(stream, body, (int)length, cancellationToken);
            }
            else
            {
                await using var sink = new BodySink(body);
                await stream.CopyToAsync(sink, CopyBufferLength, cancellationToken);
            }
        }
        catch (InvalidDataException exception)
        {
            return AttemptOutcome<T>.Failed(call.Fail(exception.Message, KinesisErrorKind.InvalidResponse, exception, response: response));
        }

        string? mediaType = response.Content.Headers.TextOf("Content-Type");
        if (!response.IsSuccessStatusCode)
        {
            return ReadError(call, response, mediaType, body);
        }

        try
        {
            return new AttemptOutcome<T> { Value = call.Decode!(WireFormats.Detect(mediaType, body.WrittenSpan), body, response.Headers) };
        }
        catch (WireFormatException exception)
        {
            KinesisException failure = call.Fail(
                $"the answer ({mediaType ?? "no content type"}, {body.Length} bytes) cannot be decoded: {exception.Message}",
                KinesisErrorKind.InvalidResponse,
                exception,
                response: response);
            return AttemptOutcome<T>.Failed(failure, refusesFormat: true);
        }
    }

    /// <summary>Straight from the connection to where the records stay.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask ReadExactlyAsync(Stream stream, PooledBufferWriter body, int length, CancellationToken cancellationToken)
    {
        // in one read, where the connection is FillingStream's
        Memory<byte> room = new FillingStream.Room(body.GetMemory(length)[..length]).Memory;
        while (body.Length < length)
        {
            int read = await stream.ReadAsync(room[body.Length..], cancellationToken);
            if (read == 0)
            {
                throw new IOException($"The answer ended after {body.Length} of {length} bytes.");
            }

            body.Advance(read);
        }
    }

    /// <summary>Hands an answer over whose body goes on.</summary>
    public static AttemptOutcome<T> Open<T>(
        KinesisCall<T> call, AnswerOpener<T> open, HttpResponseMessage response, ConnectionPool.Generation connections)
    {
        string? mediaType = response.Content.Headers.TextOf("Content-Type");
        return mediaType is null || !mediaType.StartsWith(EventStreamMediaType, StringComparison.OrdinalIgnoreCase)
            ? AttemptOutcome<T>.Failed(call.Fail(
                $"the answer ({mediaType ?? "no content type"}) is no {EventStreamMediaType}.",
                KinesisErrorKind.InvalidResponse,
                response: response))
            : new AttemptOutcome<T>
            {
                Value = open(
                    response,
                    response.Content.ReadAsStream(CancellationToken.None),
                    connections,
                    (text, kind, innerException, code) => call.Fail(text, kind, innerException, code, response)),
            };
    }

    private static AttemptOutcome<T> ReadError<T>(
        KinesisCall<T> call, HttpResponseMessage response, string? mediaType, PooledBufferWriter body)
    {
        int status = (int)response.StatusCode;
        ServiceError error = ServiceError.Read(mediaType, response.Headers.TextOf("x-amzn-ErrorType"), body.WrittenSpan);
        KinesisErrorKind kind = ErrorCatalog.Classify(call.Operation, status, error.Code);
        string text = error == default ? $"the server answered HTTP {status} ({response.StatusCode}) without a reason." : error.Describe();
        KinesisException failure = call.Fail(text, kind, code: error.Code, response: response);
        // a refusal of the encoding comes before any action
        bool refusesFormat = ErrorCatalog.RefusesEncoding(status, error.Code);
        return AttemptOutcome<T>.Failed(failure, isUntouched: refusesFormat, refusesFormat, response.Headers.Date);
    }

    /// <summary>A header as it was sent, null where it is not there.</summary>
    public static string? TextOf(this HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
