using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Amazon.Runtime;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis.Signing;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Kinesis;

/// <summary>
/// Sends one operation: writes the request, signs it, reads the answer into one pooled buffer, and repeats it as far as the
/// error and the operation allow.
/// </summary>
internal sealed class KinesisTransport : IDisposable
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestRetry = TimeSpan.FromSeconds(20);

    /// <summary>A throttle's quota is refilled each second, so that less than a second, half of this, is wasted.</summary>
    private static readonly TimeSpan s_firstThrottledRetry = TimeSpan.FromSeconds(2);

    private static readonly string s_userAgent = $"FastConsumer/{typeof(KinesisTransport).Assembly.GetName().Version?.ToString(3)}";

    private readonly ConnectionPool _connections;
    private readonly ConnectionPool _streamConnections;
    private readonly EndpointResolver _endpoints;
    private readonly CredentialsSource _credentials;
    private readonly Backoff _backoff;
    private readonly ArrayPool<byte> _pool;
    private readonly TimeProvider _timeProvider;
    private readonly AttemptTimeouts _timeouts;
    private readonly TimeSpan _requestTimeout;
    private readonly int _maxAttempts;
    private readonly ILogger? _logger;
    private readonly WireFormatChoice _format;
    private readonly SigningTime _signingTime = new();
    private readonly ServiceClock _clock;

    public KinesisTransport(KinesisClientOptions options, HttpMessageHandler? handler, ArrayPool<byte> pool)
    {
        var settings = new AwsSettings(options.Profile);
        _endpoints = new EndpointResolver(options, settings);
        _credentials = new CredentialsSource(options.Credentials, options.Profile, settings, options.TimeProvider, options.RequestTimeout);
        _backoff = new Backoff(
            s_firstRetry, s_longestRetry, new Random(options.RandomSeed ?? RandomNumberGenerator.GetInt32(int.MaxValue)));
        _pool = pool;
        _timeProvider = options.TimeProvider;
        _requestTimeout = options.RequestTimeout;
        _maxAttempts = options.MaxAttempts;
        _logger = options.Logger;
        _clock = new ServiceClock(options.TimeProvider, options.Logger);
        _format = new WireFormatChoice(options.Protocol, options.TimeProvider);
        // each attempt has its own time-out, on the given clock
        _timeouts = new AttemptTimeouts(options.RequestTimeout, options.TimeProvider);
        // kinesis-local never sends more than the first window of a stream
        int windowBytes = options.StreamWindowBytes
            ?? (_endpoints.IsForeign ? KinesisClientOptions.LargestStreamWindowBytes : KinesisClientOptions.DefaultStreamWindowBytes);
        bool useProxy = !_endpoints.IsLoopback;
        Action<SocketsHttpHandler>? configure = options.ConfigureHttpHandler;
        _connections = CreatePool(handler, () => KinesisConnections.Create(useProxy), configure);
        _streamConnections = CreatePool(handler, () => KinesisConnections.CreateForStreams(useProxy, windowBytes), configure);
        // what the caller's configuration gets wrong is told here, not at the first request
        _connections.Enter().Exit();
        _streamConnections.Enter().Exit();
    }

    public string EndpointDescription => _endpoints.Description;

    /// <summary>Sends <paramref name="operation"/> until it succeeds or may not be repeated.</summary>
    /// <param name="operation">What to do.</param>
    /// <param name="stream">The stream that it is done to; its ARN, where it has one, chooses an account's endpoint.</param>
    /// <param name="write">Writes the members of the request.</param>
    /// <param name="decode">Reads the answer.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<T> SendAsync<T>(
        KinesisOperation operation,
        StreamIdentifier stream,
        Action<WireWriter> write,
        AnswerDecoder<T> decode,
        CancellationToken cancellationToken) =>
        SendAsync(operation, stream, new WrittenBody(write), decode, cancellationToken);

    /// <inheritdoc cref="SendAsync{T}(KinesisOperation, StreamIdentifier, Action{WireWriter}, AnswerDecoder{T}, CancellationToken)"/>
    public Task<T> SendAsync<T>(
        KinesisOperation operation,
        StreamIdentifier stream,
        IRequestBody body,
        AnswerDecoder<T> decode,
        CancellationToken cancellationToken) =>
        SendAsync(
            new KinesisCall<T>(operation, _endpoints.Resolve(stream.Arn, operation.IsData), body) { Stream = stream, Decode = decode },
            cancellationToken);

    /// <summary>Sends <paramref name="operation"/> over HTTP/2, in JSON, and hands the answer over as soon as it begins.</summary>
    /// <param name="operation">What to do.</param>
    /// <param name="subject">What it is done to, for messages.</param>
    /// <param name="arn">The ARN that chooses an account's endpoint.</param>
    /// <param name="write">Writes the members of the request.</param>
    /// <param name="open">Takes the answer over, and disposes it.</param>
    /// <param name="cancellationToken">Ends the call, not the answer.</param>
    public Task<T> OpenAsync<T>(
        KinesisOperation operation,
        string subject,
        string arn,
        Action<WireWriter> write,
        AnswerOpener<T> open,
        CancellationToken cancellationToken) =>
        SendAsync(
            new KinesisCall<T>(operation, _endpoints.Resolve(arn, operation.IsData), new WrittenBody(write))
            {
                Subject = subject,
                Open = open
            },
            cancellationToken);

    private async Task<T> SendAsync<T>(KinesisCall<T> call, CancellationToken cancellationToken)
    {
        KinesisOperation operation = call.Operation;
        ServiceEndpoint endpoint = call.Endpoint;
        bool hasFallenBack = false;
        bool clockWasCorrected = false;
        bool credentialsWereRenewed = false;
        for (int attempt = 1; ; attempt++)
        {
            WireFormat format = call.Open is null ? _format.Current : WireFormat.Json;
            ImmutableCredentials credentials = await _credentials.GetAsync(cancellationToken);
            AttemptOutcome<T> outcome = await AttemptAsync(call, format, credentials, cancellationToken);
            if (outcome.Failure is not { } failed)
            {
                if (format == WireFormat.Cbor)
                {
                    _format.Understood();
                }

                return outcome.Value;
            }

            KinesisException failure = failed.Exception;

            if (!credentialsWereRenewed && ErrorCatalog.IsCredentials(failure.ErrorCode)
                && await _credentials.TryRenewAsync(credentials, cancellationToken))
            {
                credentialsWereRenewed = true;
                attempt--;
                continue;
            }

            if (failed.RefusesFormat && hasFallenBack)
            {
                _format.Refute();
            }
            else if (failed.RefusesFormat && format == WireFormat.Cbor && _format.TryFallBack(out TimeSpan? changed))
            {
                hasFallenBack = true;
                TellSwitch(endpoint, failure, changed);
                if (operation.MayRepeat || failed.IsUntouched)
                {
                    // the other encoding is another request: it does not use up an attempt
                    attempt--;
                    continue;
                }
            }

            if (!clockWasCorrected && _clock.TryCorrect(endpoint, failure, failed.ServerTime))
            {
                clockWasCorrected = true;
                attempt--;
                continue;
            }

            if (attempt >= _maxAttempts || !MayRepeat(operation, failure.Kind, failed.IsUntouched))
            {
                throw failure;
            }

            TimeSpan delay = _backoff.After(attempt, failure.Kind == KinesisErrorKind.Throttled ? s_firstThrottledRetry : null);
            if (_logger is not null)
            {
                KinesisLog.Retrying(_logger, operation.Name, attempt, delay, failure.Message);
            }

            await Task.Delay(delay, _timeProvider, cancellationToken);
        }
    }

    public void Dispose()
    {
        _connections.Dispose();
        _streamConnections.Dispose();
        _credentials.Dispose();
    }

    /// <summary>
    /// Connections of the client's own, or all requests over the caller's handler. HttpClient would only add a token source to each
    /// request.
    /// </summary>
    private static ConnectionPool CreatePool(
        HttpMessageHandler? handler, Func<SocketsHttpHandler> create, Action<SocketsHttpHandler>? configure) =>
        handler is not null
            ? new ConnectionPool(() => new HttpMessageInvoker(handler, disposeHandler: false), isRenewable: false)
            : new ConnectionPool(
                () =>
                {
                    SocketsHttpHandler own = create();
                    try
                    {
                        configure?.Invoke(own);
                    }
                    catch (Exception e)
                    {
                        own.Dispose();
                        throw new KinesisException(
                            $"The option {nameof(KinesisClientOptions.ConfigureHttpHandler)} threw {e.GetType().Name}: {e.Message}",
                            KinesisErrorKind.Client,
                            innerException: e);
                    }

                    return new HttpMessageInvoker(own, disposeHandler: true);
                },
                isRenewable: true);

    /// <inheritdoc cref="ServiceClock.Offset"/>
    public TimeSpan ClockOffset => _clock.Offset;

    private static bool MayRepeat(KinesisOperation operation, KinesisErrorKind kind, bool isUntouched) => kind switch
    {
        KinesisErrorKind.Throttled => operation.Retry is not (RetryRule.ReadRecords or RetryRule.Subscribe),
        KinesisErrorKind.Unavailable => operation.MayRepeat || isUntouched,
        KinesisErrorKind.InvalidResponse => operation.MayRepeat,
        _ => false,
    };

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AttemptOutcome<T>> AttemptAsync<T>(
        KinesisCall<T> call, WireFormat format, ImmutableCredentials credentials, CancellationToken cancellationToken)
    {
        using AttemptTimeouts.Attempt either = _timeouts.Start(cancellationToken);
        call.AccessKeyId = credentials.AccessKey;
        ConnectionPool.Generation connections = (call.Open is null ? _connections : _streamConnections).Enter();
        bool isHandedOver = false;
        try
        {
            // Returned only once the answer has begun: a cancelled send may still read it for a moment.
            var body = new PooledBufferWriter(_pool, 512);
            WriteBody(call, format, body);
            using HttpRequestMessage request = CreateRequest(call, format, body, credentials);
            HttpResponseMessage response = await connections.Invoker.SendAsync(request, either.Token);
            connections.Answered();
            body.Dispose();
            if (_clock.IsCurious)
            {
                _clock.Hear(response.Headers.Date);
            }

            try
            {
                if (call.Open is null || !response.IsSuccessStatusCode)
                {
                    return await KinesisAnswers.ReadAsync(call, response, _pool, either.Token);
                }

                AttemptOutcome<T> outcome = KinesisAnswers.Open(call, call.Open, response, connections);
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
            // the connection may be one that carries nothing any more, and the pool holds others of its age
            connections.GiveUp();
            return AttemptOutcome<T>.Failed(call.Fail(
                $"no complete answer came within {_requestTimeout}. Check the network between here and the endpoint. "
                    + $"(A {nameof(KinesisClient)} of one's own may be given a longer {nameof(KinesisClientOptions.RequestTimeout)}.)",
                KinesisErrorKind.Unavailable,
                exception));
        }
        catch (OperationCanceledException exception)
        {
            // neither token: the connections have a time-out of their own, and say so in this form
            bool isConnecting = exception.InnerException is TimeoutException;
            string address = $"{call.Endpoint.Uri.Host}:{call.Endpoint.Uri.Port}";
            return AttemptOutcome<T>.Failed(
                call.Fail(
                    isConnecting
                        ? $"no connection to {address} came about in time. Check that the address is right, that the server runs, "
                            + "and that no firewall, security group or proxy stands between."
                        : $"the request to {address} was given up on its way ({exception.Message}).",
                    KinesisErrorKind.Unavailable,
                    exception),
                isUntouched: isConnecting);
        }
        // a bare SocketException comes out of HttpClient where the other side resets a connection right after it came about
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            HttpRequestError error = (exception as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
            bool isUntouched = error is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
            return AttemptOutcome<T>.Failed(
                DescribeNetworkFailure(call, exception, error, isUntouched, connections.HasAnswered), isUntouched);
        }
        finally
        {
            if (!isHandedOver)
            {
                connections.Exit();
            }
        }
    }

    private static void WriteBody<T>(KinesisCall<T> call, WireFormat format, PooledBufferWriter body)
    {
        using WireWriter writer = WireWriter.Create(format, body);
        writer.StartMap();
        call.Body.Write(writer);
        writer.EndMap();
    }

    private HttpRequestMessage CreateRequest<T>(
        KinesisCall<T> call, WireFormat format, PooledBufferWriter body, ImmutableCredentials credentials)
    {
        ServiceEndpoint endpoint = call.Endpoint;
        string mediaType = format.MediaType();
        string time = _signingTime.Format(_clock.Now);
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
        request.Headers.TryAddWithoutValidation("User-Agent", s_userAgent);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (credentials.UseToken)
        {
            request.Headers.TryAddWithoutValidation("X-Amz-Security-Token", credentials.Token);
        }

        return request;
    }

    private static KinesisException DescribeNetworkFailure<T>(
        KinesisCall<T> call, Exception exception, HttpRequestError error, bool isUntouched, bool hasAnswered)
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
            HttpRequestError.VersionNegotiationError or HttpRequestError.HttpProtocolError when call.Open is not null && !hasAnswered =>
                $"{address} does not answer in HTTP/2 ({reason}), which enhanced fan-out needs. Check that it is the right address and "
                + "that what stands between passes HTTP/2 on, or read by polling.",
            _ when isUntouched =>
                $"{address} cannot be reached ({reason}). Check that the address is right, that the server runs, and that no firewall or "
                + "proxy stands between.",
            _ => $"the connection to {address} broke ({reason}).",
        };
        return call.Fail(text, KinesisErrorKind.Unavailable, exception);
    }

    private void TellSwitch(ServiceEndpoint endpoint, KinesisException failure, TimeSpan? changed)
    {
        if (changed is { } lasts && _logger is not null)
        {
            KinesisLog.SwitchedToJson(_logger, endpoint.ToString(), failure.InnerException?.Message ?? failure.Message, lasts);
        }
    }
}
