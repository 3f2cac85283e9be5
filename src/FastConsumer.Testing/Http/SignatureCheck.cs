using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FastConsumer.Testing.Engine;
using Microsoft.AspNetCore.Http;

namespace FastConsumer.Testing.Http;

/// <summary>Verifies AWS Signature Version 4 of a POST to <c>/</c>, and refuses as the service does.</summary>
internal sealed class SignatureCheck(EmbeddedKinesisCredentials credentials, string region, TimeProvider clock)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string Authority = ":authority";
    public const string Kinesis = "kinesis";
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    public void Verify(HttpRequest request, ReadOnlySpan<byte> body, string service = Kinesis)
    {
        string authorization = request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
        {
            throw new EngineException("MissingAuthenticationTokenException", "Missing Authentication Token");
        }

        Dictionary<string, string> parts = Parse(authorization);
        string[] scope = Part(parts, "Credential").Split('/');
        string[] signedHeaders = Part(parts, "SignedHeaders").Split(';');
        string signature = Part(parts, "Signature");
        string time = request.Headers["X-Amz-Date"].ToString();
        if (scope.Length != 5
            || !DateTimeOffset.TryParseExact(
                time, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset signedAt))
        {
            throw new EngineException(
                "IncompleteSignatureException", "Authorization header requires 'Credential' of five parts, and an 'X-Amz-Date' header.");
        }

        if (scope[0] != credentials.AccessKeyId || request.Headers["X-Amz-Security-Token"].ToString() != (credentials.SessionToken ?? ""))
        {
            throw new EngineException("UnrecognizedClientException", "The security token included in the request is invalid.");
        }

        RequireScope(scope, time, service);
        RequireFresh(signedAt, time);
        RequireSigned(request, signedHeaders);
        string expected = Sign(request, body, signedHeaders, scope, time);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.ASCII.GetBytes(signature)))
        {
            throw Invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
                + "and signing method. Consult the service documentation for details.");
        }
    }

    private string Sign(HttpRequest request, ReadOnlySpan<byte> body, string[] signedHeaders, string[] scope, string time)
    {
        var canonical = new StringBuilder();
        canonical.Append(request.Method).Append("\n/\n\n");
        foreach (string name in signedHeaders)
        {
            // HTTP/2's pseudo header, which Kestrel hands on as Host.
            string header = name == Authority ? "host" : name;
            string value = string.Join(',', request.Headers[header].Select(
                static item => string.Join(' ', (item ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))));
            canonical.Append(name).Append(':').Append(value).Append('\n');
        }

        canonical.Append('\n').AppendJoin(';', signedHeaders).Append('\n').Append(Hex(SHA256.HashData(body)));
        string toSign =
            $"{Algorithm}\n{time}\n{string.Join('/', scope[1..])}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        byte[] key = Encoding.UTF8.GetBytes("AWS4" + credentials.SecretAccessKey);
        foreach (string part in scope[1..])
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        return Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
    }

    private void RequireScope(string[] scope, string time, string service)
    {
        if (scope[1] != time[..8])
        {
            throw Invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                + $"'{scope[1]}' != '{time[..8]}', from '{time}'.");
        }

        if (scope[2] != region)
        {
            throw Invalid($"Credential should be scoped to a valid region, not '{scope[2]}'.");
        }

        if (scope[3] != service || scope[4] != "aws4_request")
        {
            throw Invalid($"Credential should be scoped to correct service: '{service}', and end with 'aws4_request'.");
        }
    }

    private void RequireFresh(DateTimeOffset signedAt, string time)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (now - signedAt > Tolerance)
        {
            throw Invalid($"Signature expired: {time} is now earlier than {Format(now - Tolerance)} ({Format(now)} - 5 min.)");
        }

        if (signedAt - now > Tolerance)
        {
            throw Invalid($"Signature not yet current: {time} is still later than {Format(now + Tolerance)} ({Format(now)} + 5 min.)");
        }
    }

    /// <summary>What must be part of a signature, where a request has it.</summary>
    private static void RequireSigned(HttpRequest request, string[] signedHeaders)
    {
        if (!signedHeaders.Contains("host") && !signedHeaders.Contains(Authority))
        {
            throw Invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
        }

        foreach (string name in request.Headers.Keys.Select(static name => name.ToLowerInvariant()))
        {
            if (name.StartsWith("x-amz-", StringComparison.Ordinal) && !signedHeaders.Contains(name))
            {
                throw Invalid($"'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            }
        }
    }

    private static Dictionary<string, string> Parse(string authorization)
    {
        if (!authorization.StartsWith(Algorithm + " ", StringComparison.Ordinal))
        {
            throw new EngineException("IncompleteSignatureException", $"Authorization header must begin with '{Algorithm}'.");
        }

        return authorization[(Algorithm.Length + 1)..]
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(static part => part.Split('=', 2))
            .Where(static pair => pair.Length == 2)
            .DistinctBy(static pair => pair[0])
            .ToDictionary(static pair => pair[0], static pair => pair[1]);
    }

    private static string Part(Dictionary<string, string> parts, string name) =>
        parts.GetValueOrDefault(name)
        ?? throw new EngineException("IncompleteSignatureException", $"Authorization header requires '{name}' parameter.");

    private static EngineException Invalid(string message) => new("InvalidSignatureException", message);

    private static string Format(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
