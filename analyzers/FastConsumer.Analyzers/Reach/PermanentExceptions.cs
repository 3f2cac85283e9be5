using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Exceptions whose cause lies in the record or the code: the next attempt ends as the last one did.</summary>
internal static class PermanentExceptions
{
    private static readonly (string Namespace, string Name)[] s_types =
    [
        ("System", "ArgumentException"),
        ("System", "ArithmeticException"),
        ("System", "FormatException"),
        ("System", "IndexOutOfRangeException"),
        ("System", "InvalidCastException"),
        ("System", "NotImplementedException"),
        ("System", "NotSupportedException"),
        ("System", "NullReferenceException"),
        ("System.Collections.Generic", "KeyNotFoundException"),
        ("System.ComponentModel.DataAnnotations", "ValidationException"),
        ("System.IO", "InvalidDataException"),
        ("System.Text.Json", "JsonException"),
        ("System.Xml", "XmlException"),
        ("Google.Protobuf", "InvalidProtocolBufferException"),
        ("FastConsumer", "UnmatchedRouteException"),
    ];

    public static bool Contain(ITypeSymbol type) =>
        // a disposed object may be another one at the next attempt
        !type.Is("System", "ObjectDisposedException") && s_types.Any(entry => type.DerivesFrom(entry.Namespace, entry.Name));
}
