using System.Globalization;
using Amazon.Runtime;

namespace FastConsumer.Kinesis.Signing;

/// <summary>Signs the requests of one service in one region, and keeps the day's key.</summary>
internal sealed class RequestSigner(string region, string service = RequestSigner.KinesisService)
{
    public const string KinesisService = "kinesis";

    private DayKey? _dayKey;

    public string Region { get; } = region;

    /// <summary>The value of <c>X-Amz-Date</c>.</summary>
    public static string FormatTime(DateTimeOffset now) =>
        now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The value of <c>Authorization</c>.</summary>
    public string Authorize(ImmutableCredentials credentials, string time, in SigningRequest request)
    {
        Span<char> signature = stackalloc char[SignatureV4.SignatureLength];
        Sign(credentials, time, request, signature);
        int names = 0;
        foreach (SignedHeader header in request.Headers)
        {
            names += header.Name.Length + 1;
        }

        Span<char> signedHeaders = names <= 512 ? stackalloc char[512] : new char[names];
        int length = 0;
        foreach (SignedHeader header in request.Headers)
        {
            if (length > 0)
            {
                signedHeaders[length++] = ';';
            }

            header.Name.CopyTo(signedHeaders[length..]);
            length += header.Name.Length;
        }

        return "AWS4-HMAC-SHA256 "
            + $"Credential={credentials.AccessKey}/{time.AsSpan(0, SignatureV4.DateLength)}/{Region}/{service}/aws4_request, "
            + $"SignedHeaders={signedHeaders[..length]}, Signature={signature}";
    }

    /// <summary>Writes the signature alone; allocates nothing but the day's key, once.</summary>
    public void Sign(ImmutableCredentials credentials, string time, in SigningRequest request, Span<char> signature)
    {
        DayKey? key = Volatile.Read(ref _dayKey);
        if (key is null || !key.Fits(credentials.SecretKey, time))
        {
            key = new DayKey(credentials.SecretKey, time[..SignatureV4.DateLength], Region, service);
            Volatile.Write(ref _dayKey, key);
        }

        SignatureV4.Sign(request, time, Region, service, key.Key, signature);
    }

    private sealed class DayKey
    {
        private readonly string _secretKey;
        private readonly string _date;
        private readonly byte[] _key = new byte[SignatureV4.KeyLength];

        public DayKey(string secretKey, string date, string region, string service)
        {
            _secretKey = secretKey;
            _date = date;
            SignatureV4.DeriveKey(secretKey, date, region, service, _key);
        }

        public ReadOnlySpan<byte> Key => _key;

        public bool Fits(string secretKey, string time) =>
            time.AsSpan(0, SignatureV4.DateLength).SequenceEqual(_date) && string.Equals(secretKey, _secretKey, StringComparison.Ordinal);
    }
}
