using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace FastConsumer.Testing;

/// <summary>What an <see cref="EmbeddedS3"/> is told once, at its start.</summary>
public sealed class EmbeddedS3Options
{
    /// <summary>
    /// The address to listen on; 127.0.0.1 by default. <see cref="IPAddress.Any"/> lets other machines and containers connect, and whoever
    /// connects may do everything.
    /// </summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 (the default) for a free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// The certificate, with its key, for TLS, and nothing without TLS then. Null (the default) for no TLS.
    /// <see cref="EmbeddedKinesisCertificate"/> makes one. The caller disposes of it.
    /// </summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>The region of buckets that are created without one; <c>us-east-1</c> by default.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The clock of <c>Last-Modified</c> and of delays; the system's by default. See <see cref="ManualClock"/>.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Seeds what looks random on the wire: the ids of requests and uploads.</summary>
    public int Seed { get; init; }

    /// <summary>The least size of a part that is not an upload's last, in bytes; 5 MiB by default, as the service says.</summary>
    public int MinPartBytes { get; init; } = 5 * 1024 * 1024;

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Bind, nameof(Bind));
        if (Certificate is { HasPrivateKey: false })
        {
            throw new ArgumentException(
                $"The certificate of {Certificate.Subject} has no private key: load it with its key.", nameof(Certificate));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(Port, nameof(Port));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Port, ushort.MaxValue, nameof(Port));
        ArgumentException.ThrowIfNullOrEmpty(Region, nameof(Region));
        ArgumentNullException.ThrowIfNull(TimeProvider, nameof(TimeProvider));
        ArgumentOutOfRangeException.ThrowIfNegative(MinPartBytes, nameof(MinPartBytes));
    }
}
