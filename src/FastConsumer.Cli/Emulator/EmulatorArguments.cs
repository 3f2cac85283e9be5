using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;

namespace FastConsumer.Cli.Emulator;

/// <summary>Reads the values of the emulator's options; what is wrong is named with the remedy.</summary>
internal static class EmulatorArguments
{
    public static int Port(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > ushort.MaxValue)
        {
            result.AddError($"--port '{text}' is no port: give 0 to 65535; 0 takes a free one.");
        }

        return port;
    }

    public static IPAddress Bind(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        // "1" is an address for IPAddress, and surely a mistake here
        if (IPAddress.TryParse(text, out IPAddress? address)
            && (text.Contains(':', StringComparison.Ordinal) || text.Count(static c => c == '.') == 3))
        {
            return address;
        }

        result.AddError(
            $"--bind '{text}' is no IP address: give one of this machine's, for example 127.0.0.1, ::1, or 0.0.0.0 for all of them.");
        return IPAddress.Loopback;
    }

    public static string AccountId(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (text.Length != 12 || !text.All(char.IsAsciiDigit))
        {
            result.AddError($"--account-id '{text}' is no account: give 12 digits, for example 000000000000.");
        }

        return text;
    }

    public static string Region(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (text.Length == 0 || !text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            result.AddError($"--region '{text}' is no region: give its system name, for example us-east-1.");
        }

        return text;
    }

    public static StreamToCreate[] Streams(ArgumentResult result)
    {
        List<StreamToCreate> streams = [];
        foreach (Token token in result.Tokens)
        {
            if (!StreamToCreate.TryParse(token.Value, out StreamToCreate? stream, out string? error))
            {
                result.AddError($"--stream '{token.Value}' is not understood: {error}");
            }
            else if (streams.Any(other => other.Name == stream.Name))
            {
                result.AddError($"--stream '{token.Value}' names a stream that was named before: give each stream once.");
            }
            else
            {
                streams.Add(stream);
            }
        }

        return [.. streams];
    }
}
