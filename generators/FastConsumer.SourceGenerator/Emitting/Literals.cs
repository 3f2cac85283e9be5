using System.Globalization;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Values as C# writes them.</summary>
internal static class Literals
{
    public static string Text(string value) => SymbolDisplay.FormatLiteral(value, quote: true);

    public static string Utf8(string value) => Text(value) + "u8";

    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A duration in ticks; <see cref="DurationComment"/> says it to the reader.</summary>
    public static string Duration(TimeSpan value) =>
        $"global::System.TimeSpan.FromTicks({value.Ticks.ToString(CultureInfo.InvariantCulture)}L)";

    public static string DurationComment(TimeSpan value) => value.ToString("c", CultureInfo.InvariantCulture);
}
