using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace FastConsumer.Testing.Engine;

/// <summary>Makes opaque tokens (iterators, list tokens) that only this engine can have made.</summary>
internal sealed class TokenSeal
{
    private const int MacBytes = 16;
    private const int MaxCharacters = 2048;
    private readonly byte[] _key;

    public TokenSeal(Random random)
    {
        _key = new byte[32];
        random.NextBytes(_key);
    }

    public string Seal(ReadOnlySpan<byte> payload)
    {
        Span<byte> sealedBytes = stackalloc byte[payload.Length + MacBytes];
        payload.CopyTo(sealedBytes);
        Mac(payload, sealedBytes[payload.Length..]);
        return Convert.ToBase64String(sealedBytes);
    }

    public string SealFields(params ReadOnlySpan<string> fields) => Seal(Encoding.UTF8.GetBytes(string.Join('\n', fields)));

    public bool TryOpen(string token, [NotNullWhen(true)] out byte[]? payload)
    {
        payload = null;
        if (token.Length > MaxCharacters)
        {
            return false;
        }

        byte[] bytes = new byte[token.Length];
        Span<byte> mac = stackalloc byte[MacBytes];
        if (!Convert.TryFromBase64String(token, bytes, out int length) || length < MacBytes)
        {
            return false;
        }

        Mac(bytes.AsSpan(0, length - MacBytes), mac);
        if (!mac.SequenceEqual(bytes.AsSpan(length - MacBytes, MacBytes)))
        {
            return false;
        }

        payload = bytes[..(length - MacBytes)];
        return true;
    }

    public bool TryOpenFields(string token, int count, [NotNullWhen(true)] out string[]? fields)
    {
        fields = TryOpen(token, out byte[]? payload) ? Encoding.UTF8.GetString(payload).Split('\n') : null;
        return fields?.Length == count;
    }

    private void Mac(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, payload, hash);
        hash[..MacBytes].CopyTo(destination);
    }
}
