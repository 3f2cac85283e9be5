using System.Globalization;
using System.Text;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Analyzers.State;

/// <summary>The file that keeps the shape of each state, as it was stored last: a line per state, in the order of the lines.</summary>
internal static class StateBaseline
{
    public const string FileName = "FastConsumer.State.txt";

    private static readonly char[] s_lineEnds = ['\r', '\n'];

    /// <summary>True for the file, wherever it lies.</summary>
    public static bool IsFile(string path) => string.Equals(Path.GetFileName(path), FileName, StringComparison.OrdinalIgnoreCase);

    /// <summary>The lines by what they are of: the processor and the state.</summary>
    public static IReadOnlyDictionary<string, string> Read(string text)
    {
        var lines = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text.Split(s_lineEnds, StringSplitOptions.RemoveEmptyEntries))
        {
            if (Subject(line) is { } subject)
            {
                lines[subject] = line.TrimEnd();
            }
        }

        return lines;
    }

    /// <summary>The text with a line of one state, in place of its former one.</summary>
    public static string With(string text, string line)
    {
        string end = text.IndexOf("\r\n", StringComparison.Ordinal) >= 0 ? "\r\n" : "\n";
        List<string> lines = [.. text.Replace("\r\n", "\n").TrimEnd('\n').Split('\n').Where(old => text.Length > 0)];
        int at = lines.FindIndex(old => Subject(old) == Subject(line));
        if (at >= 0)
        {
            lines[at] = line;
        }
        else
        {
            at = lines.FindIndex(old => Subject(old) is not null && string.CompareOrdinal(old, line) > 0);
            lines.Insert(at < 0 ? lines.Count : at, line);
        }

        return string.Join(end, lines) + end;
    }

    /// <summary>The line of a state as it is now.</summary>
    public static string Line(INamedTypeSymbol processor, IPropertySymbol state, string name, int version)
    {
        var text = new StringBuilder();
        text.Append(Name(processor)).Append(' ').Append(name).Append(' ')
            .Append(version.ToString(CultureInfo.InvariantCulture)).Append(' ');
        var type = (INamedTypeSymbol)state.Type;
        text.Append(type.Name switch { "KeyedMap" => "map", "KeyedList" => "list", _ => "value" });
        if (type.Arity == 2)
        {
            text.Append('[');
            Append(text, type.TypeArguments[0], []);
            text.Append(']');
        }

        ITypeSymbol value = StateFacts.ValueType(state)!;
        if (state.FindAttribute("StateSerializerAttribute")?.FirstValue() is ITypeSymbol serializer)
        {
            text.Append('(').Append(Name(value)).Append('@').Append(Name(serializer)).Append(')');
        }
        else
        {
            text.Append(IsWritten(value) ? "" : ":");
            Append(text, value, []);
        }

        return text.ToString();
    }

    /// <summary>The version in a line; 0 where there is none.</summary>
    public static int Version(string line) =>
        line.Split(' ') is { Length: > 2 } parts && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int version)
            ? version
            : 0;

    /// <summary>The shape in a line.</summary>
    public static string Shape(string line) => line.Split([' '], 4) is { Length: 4 } parts ? parts[3].Trim() : "";

    /// <summary>What a line is of; null for a comment, or where it is of nothing.</summary>
    private static string? Subject(string line) =>
        !line.StartsWith("#", StringComparison.Ordinal) && line.Split([' '], 3) is { Length: 3 } parts ? $"{parts[0]} {parts[1]}" : null;

    private static string Name(ITypeSymbol type) => type.ToDisplayString(
        SymbolDisplayFormat.FullyQualifiedFormat.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted)).Replace(" ", "");

    /// <summary>True for types of the user whose members are what JSON shows.</summary>
    private static bool IsWritten(ITypeSymbol type) => type is INamedTypeSymbol
    {
        TypeKind: TypeKind.Class or TypeKind.Struct or TypeKind.Interface
    } named && !JsonReader.IsOfTheFramework(named) && named.SpecialType == SpecialType.None;

    private static void Append(StringBuilder text, ITypeSymbol type, Stack<ITypeSymbol> outer)
    {
        if (Attribute(type, "JsonConverterAttribute")?.FirstValue() is ITypeSymbol converter)
        {
            text.Append(Name(type)).Append('@').Append(Name(converter));
        }
        else if (type is IArrayTypeSymbol array)
        {
            Append(text, array.ElementType, outer);
            text.Append("[]");
        }
        else if (type.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T)
        {
            Append(text, ((INamedTypeSymbol)type).TypeArguments[0], outer);
            text.Append('?');
        }
        else if (type.TypeKind == TypeKind.Enum)
        {
            text.Append("enum{").Append(string.Join(",", type.GetMembers().OfType<IFieldSymbol>().Where(field => field.HasConstantValue)
                .Select(field => string.Format(CultureInfo.InvariantCulture, "{0}={1}", field.Name, field.ConstantValue)))).Append('}');
        }
        else if (outer.Contains(type, SymbolEqualityComparer.Default))
        {
            text.Append('^').Append(Name(type));
        }
        else if (IsWritten(type))
        {
            outer.Push(type);
            AppendMembers(text, (INamedTypeSymbol)type, outer);
            outer.Pop();
        }
        else if (type is INamedTypeSymbol { Arity: > 0, IsTupleType: false } generic)
        {
            string name = Name(generic.ConstructedFrom);
            text.Append(name, 0, name.IndexOf('<')).Append('<');
            for (int i = 0; i < generic.TypeArguments.Length; i++)
            {
                text.Append(i > 0 ? "," : "");
                Append(text, generic.TypeArguments[i], outer);
            }

            text.Append('>');
        }
        else
        {
            text.Append(Name(type));
        }
    }

    private static void AppendMembers(StringBuilder text, INamedTypeSymbol type, Stack<ITypeSymbol> outer)
    {
        text.Append('{');
        bool first = true;
        foreach ((string name, ISymbol member, ITypeSymbol memberType) in JsonReader.Members(type)
            .Select(found => (
                Attribute(found.Member, "JsonPropertyNameAttribute")?.FirstValue() as string ?? found.Member.Name,
                found.Member,
                found.Type))
            .OrderBy(found => found.Item1, StringComparer.Ordinal))
        {
            text.Append(first ? "" : ",").Append(name).Append(':');
            first = false;
            if (Attribute(member, "JsonConverterAttribute")?.FirstValue() is ITypeSymbol converter)
            {
                text.Append(Name(memberType)).Append('@').Append(Name(converter));
            }
            else
            {
                Append(text, memberType, outer);
            }
        }

        text.Append('}');
        foreach (AttributeData derived in type.GetAttributes()
            .Where(attribute => attribute.AttributeClass.Is("System.Text.Json.Serialization", "JsonDerivedTypeAttribute")))
        {
            if (derived.FirstValue() is ITypeSymbol one)
            {
                string mark = derived.ConstructorArguments.Length > 1
                    ? string.Format(CultureInfo.InvariantCulture, "{0}", derived.ConstructorArguments[1].Value)
                    : "";
                text.Append('|').Append(mark).Append(':');
                Append(text, one, outer);
            }
        }
    }

    private static AttributeData? Attribute(ISymbol symbol, string name) => symbol.GetAttributes()
        .FirstOrDefault(attribute => attribute.AttributeClass.Is("System.Text.Json.Serialization", name));
}
