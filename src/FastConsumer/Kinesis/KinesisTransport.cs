using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Amazon.Runtime;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis.Signing;
using FastConsumer.Kinesis.Wire;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Kinesis;

/// <summary>The members of a request, written once for each attempt.</summary>
internal interface IRequestBody
{
    void Write(WireWriter writer);
}

/// <summary>Reads a successful answer; may take the body's array over.</summary>
internal delegate T AnswerDecoder<T>(WireFormat? format, PooledBufferWriter body, HttpResponseHeaders headers);

/// <summary>Takes a successful answer over before its body has come.</summary>
internal delegate T AnswerOpener<T>(HttpResponseMessage response, Stream body, FailureFactory fail);

/// <summary>Words a failure of a call that has been answered, with the call's facts.</summary>
internal delegate KinesisException FailureFactory(string text, KinesisErrorKind kind, Exception? innerException, string? code);

/// <summary>
/// Sends one operation: writes the request, signs it, reads the answer into one pooled buffer, and repeats it as far as the
/// error and the operation allow.
/// </summary>
internal sealed class KinesisTransport : IDisposable
{
    /// <summary>GetRecords answers at most 10 MiB of data: 14 MiB in base64, and up to 10,000 keys.</summary>
    private const int LargestAnswer = 40 * 1024 * 1024;

    /// <summary>What is read from the connection at once: large answers in few calls, from a buffer that fits the second-level cache.</summary>
    internal const int CopyBufferLength = 256 * 1024;

    private const int UnannouncedAnswerCapacity = 16 * 1024;
    private const int LargestError = 64 * 1024;
    private const string EventStreamMediaType = "application/vnd.amazon.eventstream";

    // A service takes signatures that are up to five minutes old; below this a wrong signature has another cause.
    private static readonly TimeSpan s_leastSkew = TimeSpan.FromMinutes(1);

    // HttpClient would only add a token source of its own to each request
    private readonly HttpMessageInvoker _http;
    private readonly Lazy<HttpMessageInvoker> _http2;
    private readonly EndpointResolver _endpoints;
    private readonly CredentialsSource _credentials;
    private readonly RetryBackoff _backoff;
    private readonly ArrayPool<byte> _pool;
    private readonly TimeProvider _timeProvider;
    private readonly AttemptTimeouts _timeouts;
    private readonly TimeSpan _requestTimeout;
    private readonly int _maxAttempts;
    private readonly ILogger? _logger;
    private readonly bool _mayFallBack;
    private readonly SigningTime _signingTime = new();
    private int _format;
    private long _clockOffsetTicks;

    public KinesisTransport(KinesisClientOptions options, HttpMessageHandler? handler, ArrayPool<byte> pool)
    {
        var settings = new AwsSettings(options.Profile);
        _endpoints = new EndpointResolver(options, settings);
        _credentials = new CredentialsSource(options.Credentials, options.Profile, settings);
        _backoff = new RetryBackoff(options.RandomSeed ?? RandomNumberGenerator.GetInt32(int.MaxValue));
        _pool = pool;
        _timeProvider = options.TimeProvider;
        _requestTimeout = options.RequestTimeout;
        _maxAttempts = options.MaxAttempts;
        _logger = options.Logger;
        _mayFallBack = options.Protocol == KinesisProtocol.Auto;
        _format = (int)(options.Protocol == KinesisProtocol.Json ? WireFormat.Json : WireFormat.Cbor);
        _http = new HttpMessageInvoker(handler ?? KinesisConnections.Create(useProxy: !_endpoints.IsLoopback), disposeHandler: handler is null);
        // each attempt has its own time-out, on the given clock
        _timeouts = new AttemptTimeouts(options.RequestTimeout, options.TimeProvider);
        _http2 = new Lazy<HttpMessageInvoker>(() => handler is not null ? _http : new HttpMessageInvoker(CreateHttp2Handler(_endpoints, options.StreamWindowBytes), disposeHandler: true));
    }

    public string EndpointDescription => _endpoints.Description;

    /// <summary>Sends <paramref name="operation"/> until it succeeds or may not be repeated.</summary>
    /// <param name="operation">What to do.</param>
    /// <param name="stream">The stream that it is done to; its ARN, where it has one, chooses an account's endpoint.</param>
    /// <param name="write">Writes the members of the request.</param>
    /// <param name="decode">Reads the answer.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<T> SendAsync<T>(
        KinesisOperation operation, StreamIdentifier stream, Action<WireWriter> write, AnswerDecoder<T> decode, CancellationToken cancellationToken) =>
        SendAsync(operation, stream, new WrittenBody(write), decode, cancellationToken);

    /// <inheritdoc cref="SendAsync{T}(KinesisOperation, StreamIdentifier, Action{WireWriter}, AnswerDecoder{T}, CancellationToken)"/>
    public Task<T> SendAsync<T>(
        KinesisOperation operation, StreamIdentifier stream, IRequestBody body, AnswerDecoder<T> decode, CancellationToken cancellationToken) =>
        SendAsync(new Call<T>(operation, _endpoints.Resolve(stream.Arn, operation.IsData), body) { Stream = stream, Decode = decode }, cancellationToken);

    /// <summary>Sends <paramref name="operation"/> over HTTP/2, in JSON, and hands the answer over as soon as it begins.</summary>
    /// <param name="operation">What to do.</param>
    /// <param name="subject">What it is done to, for messages.</param>
    /// <param name="arn">The ARN that chooses an account's endpoint.</param>
    /// <param name="write">Writes the members of the request.</param>
    /// <param name="open">Takes the answer over, and disposes it.</param>
    /// <param name="cancellationToken">Ends the call, not the answer.</param>
    public Task<T> OpenAsync<T>(
        KinesisOperation operation, string subject, string arn, Action<WireWriter> write, AnswerOpener<T> open, CancellationToken cancellationToken) =>
        SendAsync(new Call<T>(operation, _endpoints.Resolve(arn, operation.IsData), new WrittenBody(write)) { Subject = subject, Open = open }, cancellationToken);

    private async Task<T> SendAsync<T>(Call<T> call, CancellationToken cancellationToken)
    {
        KinesisOperation operation = call.Operation;
        ServiceEndpoint endpoint = call.Endpoint;
        bool clockWasCorrected = false;
        for (int attempt = 1; ; attempt++)
        {
            WireFormat format = call.Open is null ? (WireFormat)Volatile.Read(ref _format) : WireFormat.Json;
            ImmutableCredentials credentials = await _credentials.GetAsync(cancellationToken);
            Outcome<T> outcome = await AttemptAsync(call, format, credentials, cancellationToken);
            if (outcome.Failure is not { } failed)
            {
                return outcome.Value;
            }

            KinesisException failure = failed.Exception;

            if (ErrorCatalog.IsCredentials(failure.ErrorCode))
            {
                _credentials.Forget();
            }

            if (failed.RefusesFormat && _mayFallBack && format == WireFormat.Cbor)
            {
                SwitchToJson(endpoint, failure);
                if (operation.MayRepeat || failed.IsUntouched)
                {
                    // the other encoding is another request: it does not use up an attempt
                    attempt--;
                    continue;
                }
            }

            if (!clockWasCorrected && TryCorrectClock(endpoint, failure, failed.ServerTime))
            {
                clockWasCorrected = true;
                attempt--;
                continue;
            }

            if (attempt >= _maxAttempts || !MayRepeat(operation, failure.Kind, failed.IsUntouched))
            {
                throw failure;
            }

            TimeSpan delay = _backoff.Delay(failure.Kind, attempt);
            if (_logger is not null)
            {
                KinesisLog.Retrying(_logger, operation.Name, attempt, delay, failure.Message);
            }

            await Task.Delay(delay, _timeProvider, cancellationToken);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        if (_http2.IsValueCreated)
        {
            _http2.Value.Dispose();
        }

        _credentials.Dispose();
    }

    /// <summary>For subscriptions: streams of minutes, with little to say at times.</summary>
    private static SocketsHttpHandler CreateHttp2Handler(EndpointResolver endpoints, int? streamWindowBytes)
    {
        SocketsHttpHandler handler = KinesisConnections.Create(useProxy: !endpoints.IsLoopback);
        // kinesis-local never sends more than the first window of a stream
        handler.InitialHttp2StreamWindowSize = streamWindowBytes
            ?? (endpoints.IsLoopback ? KinesisClientOptions.LargestStreamWindowBytes : KinesisClientOptions.DefaultStreamWindowBytes);
        handler.EnableMultipleHttp2Connections = true;
        handler.KeepAlivePingDelay = TimeSpan.FromSeconds(60);
        handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        return handler;
    }

    private static bool MayRepeat(KinesisOperation operation, KinesisErrorKind kind, bool isUntouched) => kind switch
    {
        KinesisErrorKind.Throttled => operation.Retry is not (RetryRule.ReadRecords or RetryRule.Subscribe),
        KinesisErrorKind.Unavailable => operation.MayRepeat || isUntouched,
        KinesisErrorKind.InvalidResponse => operation.MayRepeat,
        _ => false,
    };

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Outcome<T>> AttemptAsync<T>(Call<T> call, WireFormat format, ImmutableCredentials credentials, CancellationToken cancellationToken)
    {
        using AttemptTimeouts.Attempt either = _timeouts.Start(cancellationToken);
        try
        {
            // Returned only once the answer has begun: a cancelled send may still read it for a moment.
            var body = new PooledBufferWriter(_pool, 512);
            WriteBody(call, format, body);
            using HttpRequestMessage request = CreateRequest(call, format, body, credentials);
            HttpMessageInvoker http = call.Open is null ? _http : _http2.Value;
            HttpResponseMessage response = await http.SendAsync(request, either.Token);
            body.Dispose();
            bool isHandedOver = false;
            try
            {
                if (call.Open is null || !response.IsSuccessStatusCode)
                {
                    return await ReadAsync(call, response, either.Token);
                }

                Outcome<T> outcome = Open(call, call.Open, response);
                isHandedOver = outcome.Failure is null;
                return outcome;
            }
            finally
            {
                if (!isHandedOver)
                {
                    response.Dispose();
                }
            }
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            // the caller's own token, not the one that is linked to it here
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        catch (OperationCanceledException exception) when (either.Token.IsCancellationRequested)
        {
            return Outcome<T>.Failed(call.Fail(
                $"no complete answer came within {_requestTimeout}. Check the network between here and the endpoint, or raise {nameof(KinesisClientOptions)}.{nameof(KinesisClientOptions.RequestTimeout)}.",
                KinesisErrorKind.Unavailable,
                exception));
        }
        // a bare SocketException comes out of HttpClient where the other side resets a connection right after it came about
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            HttpRequestError error = (exception as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
            bool isUntouched = error is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
            return Outcome<T>.Failed(DescribeNetworkFailure(call, exception, error, isUntouched), isUntouched);
        }
    }

    private static void WriteBody<T>(Call<T> call, WireFormat format, PooledBufferWriter body)
    {
        using WireWriter writer = WireWriter.Create(format, body);
        writer.StartMap();
        call.Body.Write(writer);
        writer.EndMap();
    }

    private HttpRequestMessage CreateRequest<T>(Call<T> call, WireFormat format, PooledBufferWriter body, ImmutableCredentials credentials)
    {
        ServiceEndpoint endpoint = call.Endpoint;
        string mediaType = format.MediaType();
        string time = _signingTime.Format(_timeProvider.GetUtcNow() + new TimeSpan(Volatile.Read(ref _clockOffsetTicks)));
        ReadOnlySpan<SignedHeader> headers =
        [
            new("content-type", mediaType),
            new("host", endpoint.Host),
            new("x-amz-date", time),
            new("x-amz-security-token", credentials.Token),
            new("x-amz-target", call.Operation.Target),
        ];
        ReadOnlySpan<SignedHeader> withoutToken = [headers[0], headers[1], headers[2], headers[4]];
        string authorization = endpoint.Signer.Authorize(credentials, time, new SigningRequest
        {
            Method = "POST",
            Path = endpoint.CanonicalPath,
            Headers = credentials.UseToken ? headers : withoutToken,
            Payload = body.WrittenSpan,
        });

        var request = new HttpRequestMessage(HttpMethod.Post, endpoint.Uri)
        {
            Version = call.Open is null ? HttpVersion.Version11 : HttpVersion.Version20,
            VersionPolicy = call.Open is null ? HttpVersionPolicy.RequestVersionOrLower : HttpVersionPolicy.RequestVersionExact,
            Content = new ReadOnlyMemoryContent(body.WrittenMemory),
        };
        if (endpoint.HasForeignHost)
        {
            request.Headers.Host = endpoint.Host;
        }

        request.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        request.Headers.TryAddWithoutValidation("X-Amz-Date", time);
        request.Headers.TryAddWithoutValidation("X-Amz-Target", call.Operation.Target);
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (credentials.UseToken)
        {
            request.Headers.TryAddWithoutValidation("X-Amz-Security-Token", credentials.Token);
        }

        return request;
    }

    private static Outcome<T> Open<T>(Call<T> call, AnswerOpener<T> open, HttpResponseMessage response)
    {
        string? mediaType = Header(response.Content.Headers, "Content-Type");
        return mediaType is null || !mediaType.StartsWith(EventStreamMediaType, StringComparison.OrdinalIgnoreCase)
            ? Outcome<T>.Failed(call.Fail(
                $"the answer ({mediaType ?? "no content type"}) is no {EventStreamMediaType}.", KinesisErrorKind.InvalidResponse, response: response))
            : new Outcome<T>
            {
                Value = open(
                    response,
                    response.Content.ReadAsStream(CancellationToken.None),
                    (text, kind, innerException, code) => call.Fail(text, kind, innerException, code, response)),
            };
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Outcome<T>> ReadAsync<T>(Call<T> call, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        int status = (int)response.StatusCode;
        int limit = response.IsSuccessStatusCode ? LargestAnswer : LargestError;
        long? announced = response.Content.Headers.ContentLength;
        if (announced > limit)
        {
            return Outcome<T>.Failed(call.Fail(
                $"the answer is announced with {announced} bytes, more than the {limit} that are possible.",
                response.IsSuccessStatusCode ? KinesisErrorKind.InvalidResponse : ErrorCatalog.Classify(call.Operation, status, null),
                response: response));
        }

        using var body = new PooledBufferWriter(_pool, (int)(announced ?? UnannouncedAnswerCapacity), limit);
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
            return Outcome<T>.Failed(call.Fail(exception.Message, KinesisErrorKind.InvalidResponse, exception, response: response));
        }

        string? mediaType = Header(response.Content.Headers, "Content-Type");
        if (!response.IsSuccessStatusCode)
        {
            return ReadError(call, response, mediaType, body);
        }

        try
        {
            return new Outcome<T> { Value = call.Decode!(WireFormats.Detect(mediaType, body.WrittenSpan), body, response.Headers) };
        }
        catch (WireFormatException exception)
        {
            KinesisException failure = call.Fail(
                $"the answer ({mediaType ?? "no content type"}, {body.Length} bytes) cannot be decoded: {exception.Message}",
                KinesisErrorKind.InvalidResponse,
                exception,
                response: response);
            return Outcome<T>.Failed(failure, refusesFormat: true);
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

    private static Outcome<T> ReadError<T>(Call<T> call, HttpResponseMessage response, string? mediaType, PooledBufferWriter body)
    {
        int status = (int)response.StatusCode;
        ServiceError error = ServiceError.Read(mediaType, Header(response.Headers, "x-amzn-ErrorType"), body.WrittenSpan);
        KinesisErrorKind kind = ErrorCatalog.Classify(call.Operation, status, error.Code);
        string text = error == default ? $"the server answered HTTP {status} ({response.StatusCode}) without a reason." : error.Describe();
        KinesisException failure = call.Fail(text + ErrorCatalog.Remedy(call.Operation, kind, error.Code), kind, code: error.Code, response: response);
        // a refusal of the encoding comes before any action
        bool refusesFormat = ErrorCatalog.RefusesEncoding(status, error.Code);
        return Outcome<T>.Failed(failure, isUntouched: refusesFormat, refusesFormat, response.Headers.Date);
    }

    private static KinesisException DescribeNetworkFailure<T>(Call<T> call, Exception exception, HttpRequestError error, bool isUntouched)
    {
        Uri uri = call.Endpoint.Uri;
        string reason = exception.InnerException is { Message.Length: > 0 } inner ? inner.Message : exception.Message;
        string address = $"{uri.Host}:{uri.Port}";
        string text = error switch
        {
            HttpRequestError.NameResolutionError =>
                $"the host {address} cannot be found ({reason}). Check the region's name, the custom endpoint if one is set, and DNS.",
            HttpRequestError.SecureConnectionError =>
                $"no TLS connection to {address} ({reason}). Check that it speaks https and that its certificate is trusted here.",
            HttpRequestError.VersionNegotiationError or HttpRequestError.HttpProtocolError when call.Open is not null =>
                $"{address} does not answer in HTTP/2 ({reason}), which enhanced fan-out needs. Check that no proxy stands between, or read by polling.",
            _ when isUntouched =>
                $"{address} cannot be reached ({reason}). Check that the address is right, that the server runs, and that no firewall or proxy stands between.",
            _ => $"the connection to {address} broke ({reason}).",
        };
        return call.Fail(text, KinesisErrorKind.Unavailable, exception);
    }

    private void SwitchToJson(ServiceEndpoint endpoint, KinesisException failure)
    {
        if (Interlocked.Exchange(ref _format, (int)WireFormat.Json) != (int)WireFormat.Json && _logger is not null)
        {
            KinesisLog.SwitchedToJson(_logger, endpoint.ToString(), failure.InnerException?.Message ?? failure.Message);
        }
    }

    private bool TryCorrectClock(ServiceEndpoint endpoint, KinesisException failure, DateTimeOffset? serverTime)
    {
        if (serverTime is not { } there || !ErrorCatalog.IsClock(failure.ErrorCode))
        {
            return false;
        }

        TimeSpan offset = there - _timeProvider.GetUtcNow();
        var former = new TimeSpan(Volatile.Read(ref _clockOffsetTicks));
        if (!ErrorCatalog.NamesClock(failure.ErrorCode) && (offset - former).Duration() < s_leastSkew)
        {
            return false;
        }

        Volatile.Write(ref _clockOffsetTicks, offset.Ticks);
        if (_logger is not null)
        {
            KinesisLog.ClockCorrected(_logger, offset, endpoint.ToString());
        }

        return true;
    }

    private static string? Header(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    private static readonly string UserAgent = $"FastConsumer/{typeof(KinesisTransport).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>For calls that are rare enough for a closure.</summary>
    private sealed class WrittenBody(Action<WireWriter> write) : IRequestBody
    {
        public void Write(WireWriter writer) => write(writer);
    }

    /// <summary>What stays the same in all attempts of one call.</summary>
    private sealed record Call<T>(KinesisOperation Operation, ServiceEndpoint Endpoint, IRequestBody Body)
    {
        /// <summary>What it is done to, for messages, where that is not <see cref="Stream"/> alone.</summary>
        public string? Subject { get; init; }

        public StreamIdentifier Stream { get; init; }

        /// <summary>Set where the answer is read as a whole.</summary>
        public AnswerDecoder<T>? Decode { get; init; }

        /// <summary>Set where the answer is a stream.</summary>
        public AnswerOpener<T>? Open { get; init; }

        public KinesisException Fail(
            string text, KinesisErrorKind kind, Exception? innerException = null, string? code = null, HttpResponseMessage? response = null)
        {
            string? requestId = response is null ? null : Header(response.Headers, "x-amzn-RequestId");
            string? extendedRequestId = response is null ? null : Header(response.Headers, "x-amz-id-2");
            string facts = Endpoint.ToString();
            if (response is not null)
            {
                facts += $", HTTP {(int)response.StatusCode}";
            }

            if (requestId is not null)
            {
                facts += $", request id {requestId}";
            }

            if (extendedRequestId is not null)
            {
                facts += $", extended request id {extendedRequestId}";
            }

            return new KinesisException($"{Operation.Name} on {Subject ?? $"stream '{Stream}'"} failed: {text} [{facts}]", kind, code, innerException)
            {
                StatusCode = response is null ? null : (int)response.StatusCode,
                RequestId = requestId,
                ExtendedRequestId = extendedRequestId,
            };
        }
    }

    /// <summary>How one attempt ended: a value, or a failure. Small, for it is held while the attempt runs.</summary>
    private readonly record struct Outcome<T>
    {
        public T Value { get; init; }

        public AttemptFailure? Failure { get; init; }

        public static Outcome<T> Failed(KinesisException failure, bool isUntouched = false, bool refusesFormat = false, DateTimeOffset? serverTime = null) =>
            new() { Failure = new AttemptFailure(failure, isUntouched, refusesFormat, serverTime) };
    }

    /// <summary>Why an attempt failed, and what that allows.</summary>
    /// <param name="Exception">What the caller is told.</param>
    /// <param name="IsUntouched">The service cannot have acted on the request.</param>
    /// <param name="RefusesFormat">The encoding may be the reason.</param>
    /// <param name="ServerTime">The time of the answer, where there was one.</param>
    private sealed record AttemptFailure(KinesisException Exception, bool IsUntouched, bool RefusesFormat, DateTimeOffset? ServerTime);
}
