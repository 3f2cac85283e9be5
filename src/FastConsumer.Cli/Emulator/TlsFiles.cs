using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Emulator;

/// <summary>What the options about TLS say.</summary>
internal sealed record TlsFiles(bool IsOn, string? ExportPath, string? CertificatePath, string? KeyPath)
{
    /// <summary>What is wrong with the options together; null where nothing is.</summary>
    public string? Complaint => (CertificatePath, KeyPath) switch
    {
        (not null, null) => "--tls-cert needs --tls-key, the file of the certificate's key.",
        (null, not null) => "--tls-key needs --tls-cert, the file of the key's certificate.",
        (null, null) when ExportPath is not null && !IsOn => "--tls-export needs --tls: without it there is no certificate to write.",
        _ => null,
    };

    /// <summary>The certificate of the files, or one made for this run; null without TLS.</summary>
    /// <exception cref="TlsFileException">A file cannot be used.</exception>
    public X509Certificate2? Open(IPAddress bind)
    {
        if (!IsOn && CertificatePath is null)
        {
            return null;
        }

        X509Certificate2 certificate = CertificatePath is null
            ? EmbeddedKinesisCertificate.Create(IsWildcard(bind) ? [] : [bind])
            : Load(CertificatePath, KeyPath!);
        if (ExportPath is not null)
        {
            try
            {
                File.WriteAllText(ExportPath, certificate.ExportCertificatePem() + "\n");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                certificate.Dispose();
                throw new TlsFileException(
                    $"The certificate cannot be written to '{ExportPath}': {exception.Message} Choose another file with "
                        + "--tls-export.",
                    exception);
            }
        }

        return certificate;
    }

    private static bool IsWildcard(IPAddress bind) => bind.Equals(IPAddress.Any) || bind.Equals(IPAddress.IPv6Any);

    private static X509Certificate2 Load(string certificatePath, string keyPath)
    {
        try
        {
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pfx), null);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new TlsFileException(
                $"The certificate '{certificatePath}' and the key '{keyPath}' cannot be used: {exception.Message} Both are PEM files, "
                    + "the key without a password and of this certificate.",
                exception);
        }
    }
}
