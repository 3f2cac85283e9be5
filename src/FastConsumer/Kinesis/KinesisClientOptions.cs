using Amazon.Runtime;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Kinesis;

/// <summary>
/// How a <see cref="KinesisClient"/> reaches the service. What is not set is found as every AWS SDK finds it: environment
/// variables, the profile in <c>~/.aws</c>, container and instance metadata.
/// </summary>
public sealed class KinesisClientOptions
{
    /// <summary>The default of <see cref="MaxAttempts"/>: that of the AWS SDKs' standard mode.</summary>
    public const int DefaultMaxAttempts = 3;

    /// <summary>The default of <see cref="RequestTimeout"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromSeconds(30);

    /// <summary>What <see cref="StreamWindowBytes"/> comes to: 1 MiB, half a second of what a shard may send.</summary>
    public const int DefaultStreamWindowBytes = 1024 * 1024;

    /// <summary>The least that <see cref="StreamWindowBytes"/> may be: 64 KiB, the default of HTTP/2.</summary>
    public const int SmallestStreamWindowBytes = 64 * 1024;

    /// <summary>
    /// The most that <see cref="StreamWindowBytes"/> may be, and what it comes to for an endpoint that is none of AWS's: 16 MiB.
    /// </summary>
    public const int LargestStreamWindowBytes = 16 * 1024 * 1024;

    /// <summary>The credentials; null for those of <see cref="Profile"/> or of the AWS SDK's default chain.</summary>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>A profile of <c>~/.aws/config</c> and <c>~/.aws/credentials</c>; null for <c>AWS_PROFILE</c> or <c>default</c>.</summary>
    public string? Profile { get; set; }

    /// <summary>
    /// The region's system name, for example <c>eu-west-1</c>; null for <c>AWS_REGION</c>, the profile's or the instance's.
    /// </summary>
    public string? Region { get; set; }

    /// <summary>
    /// A custom endpoint; null for <c>AWS_ENDPOINT_URL_KINESIS</c>, <c>AWS_ENDPOINT_URL</c>, the profile's, or the region's own.
    /// </summary>
    public string? ServiceUrl { get; set; }

    /// <summary>The encoding; <see cref="KinesisProtocol.Auto"/> by default.</summary>
    public KinesisProtocol Protocol { get; set; } = KinesisProtocol.Auto;

    /// <summary>
    /// The time for one attempt, from connecting to the last byte; more than zero and below 50 days (2^32 - 2 milliseconds); 30 seconds by
    /// default.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = DefaultRequestTimeout;

    /// <summary>How often a request is sent at most, the first time included; 3 by default.</summary>
    public int MaxAttempts { get; set; } = DefaultMaxAttempts;

    /// <summary>
    /// The bytes that the service may send on a subscription (enhanced fan-out) before they are read, 64 KiB to 16 MiB; null for
    /// 1 MiB, and for a <see cref="ServiceUrl"/> that is none of AWS's, where a server for tests may never send more than a first window,
    /// 16 MiB. They come on top of the worker's byte budget. It is what a subscription begins with: .NET widens the window, to
    /// 16 MiB at most, where it could bring more, unless the process's runtime option
    /// <c>System.Net.SocketsHttpHandler.Http2FlowControl.DisableDynamicWindowSizing</c> is true.
    /// </summary>
    public int? StreamWindowBytes { get; set; }

    /// <summary>
    /// Changes the handler that the client's connections are made by: a proxy, a certificate authority or client certificate
    /// (<see cref="SocketsHttpHandler.SslOptions"/>), time-outs, the bound of connections. It is called for each handler before its first
    /// request: one for requests, one for subscriptions, and a new one where connections were found dead. Keep what it sets thread-safe.
    /// Without it the system's proxy (<c>HTTPS_PROXY</c>, <c>NO_PROXY</c>) is used, but for loopback addresses, and at most 64 connections
    /// to a host (subscriptions share connections by HTTP/2). Not called where the client was given a handler.
    /// </summary>
    public Action<SocketsHttpHandler>? ConfigureHttpHandler { get; set; }

    /// <summary>The clock for signatures, time-outs and back-off; the system's by default.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>The seed of the back-off's jitter; null for a different one in each client.</summary>
    public int? RandomSeed { get; set; }

    /// <summary>Hears of retries, of corrected clocks and of a change of protocol; null for silence.</summary>
    public ILogger? Logger { get; set; }
}
