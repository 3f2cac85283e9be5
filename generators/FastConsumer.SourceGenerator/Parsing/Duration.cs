using System.Globalization;
using System.Text.RegularExpressions;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>
/// Durations of attributes: <c>[d.]hh:mm:ss[.fffffff]</c> with hours from 0 to 23. Stricter than TimeSpan.Parse, which
/// reads "5" as five days and "24:00:00" as twenty-four.
/// </summary>
internal static class Duration
{
    public const string Form = "[d.]hh:mm:ss[.fffffff] with hours from 00 to 23, such as \"00:00:05\" for five seconds";

    private static readonly Regex s_pattern = new(
        @"\A(?:(?<d>[0-9]{1,7})\.)?(?<h>[01][0-9]|2[0-3]):(?<m>[0-5][0-9]):(?<s>[0-5][0-9])(?:\.(?<f>[0-9]{1,7}))?\z",
        RegexOptions.CultureInvariant);

    public static bool TryParse(string text, out TimeSpan value)
    {
        value = default;
        Match match = s_pattern.Match(text);
        if (!match.Success)
        {
            return false;
        }

        value = new TimeSpan(Part("d"), Part("h"), Part("m"), Part("s"))
            + TimeSpan.FromTicks(match.Groups["f"].Success ? Number(match.Groups["f"].Value.PadRight(7, '0')) : 0);
        return true;

        int Part(string name) => match.Groups[name].Success ? Number(match.Groups[name].Value) : 0;
        static int Number(string digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
