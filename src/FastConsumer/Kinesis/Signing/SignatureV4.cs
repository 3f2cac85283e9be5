using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace FastConsumer.Kinesis.Signing;

/// <summary>
/// AWS Signature Version 4, computed over stack spans. Source: "Create a signed AWS API request" in the IAM User Guide.
/// </summary>
internal static class SignatureV4
{
    /// <summary>The characters of a signature and of every hash in hex.</summary>
    public const int SignatureLength = 64;

    public const int KeyLength = 32;

    /// <summary>The length of <c>yyyyMMdd'T'HHmmss'Z'</c>.</summary>
    public const int TimeLength = 16;

    public const int DateLength = 8;

    private const int StackBytes = 2048;

    private static ReadOnlySpan<byte> Algorithm => "AWS4-HMAC-SHA256"u8;

    private static ReadOnlySpan<byte> Terminator => "aws4_request"u8;

    /// <summary>Derives the key of one day, region and service.</summary>
    public static void DeriveKey(string secretKey, ReadOnlySpan<char> date, string region, string service, Span<byte> key)
    {
        int secretLength = Encoding.UTF8.GetByteCount(secretKey);
        byte[]? rented = secretLength + 4 > StackBytes ? ArrayPool<byte>.Shared.Rent(secretLength + 4) : null;
        Span<byte> scratch = rented ?? stackalloc byte[StackBytes];
        Span<byte> first = scratch[..(secretLength + 4)];
        "AWS4"u8.CopyTo(first);
        Encoding.UTF8.GetBytes(secretKey, first[4..]);
        Span<byte> text = stackalloc byte[128];
        HMACSHA256.HashData(first, text[..Encoding.ASCII.GetBytes(date, text)], key);
        HMACSHA256.HashData(key, text[..Encoding.ASCII.GetBytes(region, text)], key);
        HMACSHA256.HashData(key, text[..Encoding.ASCII.GetBytes(service, text)], key);
        HMACSHA256.HashData(key, Terminator, key);
        CryptographicOperations.ZeroMemory(first);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Signs <paramref name="request"/>; the signature is written as 64 hexadecimal characters.</summary>
    public static void Sign(
        in SigningRequest request, ReadOnlySpan<char> time, string region, string service, ReadOnlySpan<byte> key, Span<char> signature)
    {
        Span<byte> requestHash = stackalloc byte[SHA256.HashSizeInBytes];
        HashCanonicalRequest(request, requestHash);

        Span<byte> scratch = stackalloc byte[512];
        var toSign = new TextSpan(scratch);
        toSign.Append(Algorithm);
        toSign.Append("\n"u8);
        toSign.Append(time);
        toSign.Append("\n"u8);
        toSign.Append(time[..DateLength]);
        toSign.Append("/"u8);
        toSign.Append(region);
        toSign.Append("/"u8);
        toSign.Append(service);
        toSign.Append("/"u8);
        toSign.Append(Terminator);
        toSign.Append("\n"u8);
        toSign.AppendHex(requestHash);

        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, toSign.Written, mac);
        Convert.TryToHexStringLower(mac, signature, out _);
    }

    /// <summary>Hashes the canonical request: method, path, query, headers, their names, and the payload's hash.</summary>
    [SkipLocalsInit]
    public static void HashCanonicalRequest(in SigningRequest request, Span<byte> hash)
    {
        int length = request.Method.Length + request.Path.Length + request.Query.Length + SignatureLength + 8;
        foreach (SignedHeader header in request.Headers)
        {
            length += (header.Name.Length * 2) + header.Value.Length + 3;
        }

        // every character may take three bytes of UTF-8
        length *= 3;
        byte[]? rented = length > StackBytes ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> scratch = rented ?? stackalloc byte[StackBytes];
        var canonical = new TextSpan(scratch);
        canonical.Append(request.Method);
        canonical.Append("\n"u8);
        canonical.Append(request.Path);
        canonical.Append("\n"u8);
        canonical.Append(request.Query);
        canonical.Append("\n"u8);
        foreach (SignedHeader header in request.Headers)
        {
            canonical.Append(header.Name);
            canonical.Append(":"u8);
            canonical.Append(header.Value);
            canonical.Append("\n"u8);
        }

        canonical.Append("\n"u8);
        for (int i = 0; i < request.Headers.Length; i++)
        {
            if (i > 0)
            {
                canonical.Append(";"u8);
            }

            canonical.Append(request.Headers[i].Name);
        }

        canonical.Append("\n"u8);
        SHA256.HashData(request.Payload, hash);
        canonical.AppendHex(hash);
        SHA256.HashData(canonical.Written, hash);
        if (rented is not null)
        {
            // it holds the session token
            CryptographicOperations.ZeroMemory(rented);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Text under construction in a span that is long enough.</summary>
    private ref struct TextSpan(Span<byte> destination)
    {
        private readonly Span<byte> _destination = destination;
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _destination[.._length];

        public void Append(ReadOnlySpan<byte> utf8)
        {
            utf8.CopyTo(_destination[_length..]);
            _length += utf8.Length;
        }

        public void Append(ReadOnlySpan<char> text) => _length += Encoding.UTF8.GetBytes(text, _destination[_length..]);

        public void AppendHex(ReadOnlySpan<byte> bytes)
        {
            Convert.TryToHexStringLower(bytes, _destination[_length..], out int written);
            _length += written;
        }
    }
}
