using System.Net;
using System.Security.Cryptography.X509Certificates;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Emulator;

/// <summary>What the command line says.</summary>
internal sealed record EmulatorSettings
{
    public required IPAddress Bind { get; init; }

    public required int Port { get; init; }

    public required string AccountId { get; init; }

    public required string Region { get; init; }

    public required bool Quotas { get; init; }

    /// <summary>Those of <c>--stream</c>.</summary>
    public required IReadOnlyList<StreamToCreate> Streams { get; init; }

    /// <summary>A file with more streams; null for none.</summary>
    public required string? ConfigPath { get; init; }

    public required TlsFiles Tls { get; init; }

    /// <summary>Where data is kept; null for memory.</summary>
    public required string? DataFolder { get; init; }

    /// <summary>One line of JSON instead of text.</summary>
    public required bool Json { get; init; }

    public EmbeddedKinesisOptions ToOptions(X509Certificate2? certificate) => new()
    {
        Bind = Bind,
        Port = Port,
        AccountId = AccountId,
        Region = Region,
        ReadQuota = Quotas ? ReadQuotaModel.TokenBucket : ReadQuotaModel.None,
        WriteQuota = Quotas,
        Certificate = certificate,
        DataFolder = DataFolder,
    };
}
