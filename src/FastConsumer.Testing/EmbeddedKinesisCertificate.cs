using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FastConsumer.Testing;

/// <summary>Makes certificates for <see cref="EmbeddedKinesisOptions.Certificate"/>.</summary>
public static class EmbeddedKinesisCertificate
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const int LifetimeDays = 365;

    /// <summary>
    /// A new self-signed certificate with its key (ECDSA, P-256), valid for a year, for <c>localhost</c>, 127.0.0.1, ::1 and
    /// <paramref name="addresses"/>. Clients must be told to trust it: <see cref="X509Certificate2.ExportCertificatePem"/> gives
    /// what they need.
    /// </summary>
    /// <param name="addresses">More addresses by which clients reach it.</param>
    /// <param name="timeProvider">The clock from which it is valid; null for the system's.</param>
    public static X509Certificate2 Create(IEnumerable<IPAddress>? addresses = null, TimeProvider? timeProvider = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost, O=FastConsumer emulator", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        IPAddress[] all = [IPAddress.Loopback, IPAddress.IPv6Loopback, .. addresses ?? []];
        foreach (IPAddress address in all.Distinct())
        {
            names.AddIpAddress(address);
        }

        var subjectKey = new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false);
        request.CertificateExtensions.Add(names.Build());
        // no authority: what trusts it must not trust others through it
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(subjectKey);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(subjectKey));
        DateTimeOffset now = (timeProvider ?? TimeProvider.System).GetUtcNow();
        using X509Certificate2 made = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(LifetimeDays));
        // a key that is not of a file cannot be used for TLS on every platform
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
