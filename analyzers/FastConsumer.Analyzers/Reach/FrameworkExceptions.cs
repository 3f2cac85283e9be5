using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>
/// What methods of the framework, and of libraries that most consumers use, are documented to throw for reasons that lie in the record or
/// in the world.
/// </summary>
internal sealed class FrameworkExceptions
{
    private const string Http = "System.Net.Http.HttpRequestException";
    private const string Json = "System.Text.Json.JsonException";
    private const string Io = "System.IO.IOException";
    private const string Format = "System.FormatException";
    private const string Overflow = "System.OverflowException";
    private const string Operation = "System.InvalidOperationException";
    private const string Socket = "System.Net.Sockets.SocketException";
    private const string Database = "System.Data.Common.DbException";
    private const string Timeout = "System.TimeoutException";

    // by containing type or one of its bases and interfaces; a method's name ends with * where more may follow
    private static readonly Dictionary<string, (string Methods, string[] Exceptions)[]> s_known = new()
    {
        ["System.Net.Http.HttpClient"] = [("Get* Post* Put* Patch* Delete* Send*", [Http])],
        ["System.Net.Http.HttpMessageInvoker"] = [("Send*", [Http])],
        ["System.Net.Http.HttpResponseMessage"] = [("EnsureSuccessStatusCode", [Http])],
        ["System.Net.Http.Json.HttpClientJsonExtensions"] = [("Get* DeleteFromJsonAsync", [Http, Json]), ("Post* Put* Patch*", [Http])],
        ["System.Net.Http.Json.HttpContentJsonExtensions"] = [("ReadFromJsonAsync", [Json])],
        ["System.Text.Json.JsonSerializer"] = [("Deserialize*", [Json])],
        ["System.Text.Json.JsonDocument"] = [("Parse*", [Json])],
        ["System.Text.Json.Nodes.JsonNode"] = [("Parse*", [Json])],
        ["System.Text.Json.JsonElement"] = [("GetProperty", ["System.Collections.Generic.KeyNotFoundException"])],
        ["System.IO.File"] = [("Read* Write* Append* Open* Create* Copy Move Replace", [Io])],
        ["System.IO.Directory"] = [("CreateDirectory Move Delete", [Io])],
        ["System.IO.FileStream"] = [("Read* Write* Flush* CopyTo*", [Io])],
        ["System.Net.Sockets.NetworkStream"] = [("Read* Write* Flush* CopyTo*", [Io])],
        ["System.Net.Sockets.Socket"] = [("Connect* Send* Receive* Accept*", [Socket])],
        ["System.Net.Sockets.TcpClient"] = [("Connect*", [Socket])],
        ["System.Net.Sockets.UdpClient"] = [("Send* Receive*", [Socket])],
        ["System.Net.Dns"] = [("GetHost*", [Socket])],
        ["System.Data.Common.DbConnection"] = [("Open* BeginTransaction*", [Database])],
        ["System.Data.Common.DbCommand"] = [("Execute*", [Database])],
        ["System.Data.Common.DbDataReader"] = [("Read* NextResult*", [Database])],
        ["System.Data.Common.DbTransaction"] = [("Commit*", [Database])],
        ["System.Threading.Tasks.Task"] = [("WaitAsync", [Timeout])],
        ["System.Linq.Enumerable"] = [("First Single Last", [Operation])],
        ["System.Byte"] = [("Parse", [Format, Overflow])],
        ["System.Int16"] = [("Parse", [Format, Overflow])],
        ["System.Int32"] = [("Parse", [Format, Overflow])],
        ["System.Int64"] = [("Parse", [Format, Overflow])],
        ["System.UInt16"] = [("Parse", [Format, Overflow])],
        ["System.UInt32"] = [("Parse", [Format, Overflow])],
        ["System.UInt64"] = [("Parse", [Format, Overflow])],
        ["System.Decimal"] = [("Parse", [Format, Overflow])],
        ["System.Single"] = [("Parse", [Format])],
        ["System.Double"] = [("Parse", [Format])],
        ["System.Boolean"] = [("Parse", [Format])],
        ["System.Guid"] = [("Parse ParseExact", [Format])],
        ["System.DateTime"] = [("Parse ParseExact", [Format])],
        ["System.DateTimeOffset"] = [("Parse ParseExact", [Format])],
        ["System.DateOnly"] = [("Parse ParseExact", [Format])],
        ["System.TimeOnly"] = [("Parse ParseExact", [Format])],
        ["System.TimeSpan"] = [("Parse ParseExact", [Format, Overflow])],
        ["System.Enum"] = [("Parse", ["System.ArgumentException"])],
        ["System.Convert"] =
        [
            ("FromBase64String FromHexString ToBoolean ToDateTime ToSingle ToDouble", [Format]),
            ("ToByte ToSByte ToInt16 ToInt32 ToInt64 ToUInt16 ToUInt32 ToUInt64 ToDecimal", [Format, Overflow]),
        ],
        ["Amazon.Runtime.IAmazonService"] = [("*Async", ["Amazon.Runtime.AmazonServiceException"])],
        ["Microsoft.EntityFrameworkCore.DbContext"] = [("SaveChanges*", ["Microsoft.EntityFrameworkCore.DbUpdateException"])],
    };

    private static readonly HashSet<string> s_names = [.. s_known.Keys.Select(name => name.Substring(name.LastIndexOf('.') + 1))];

    private static readonly ConditionalWeakTable<Compilation, FrameworkExceptions> s_byCompilation = new();

    private readonly Compilation _compilation;
    private readonly ConcurrentDictionary<INamedTypeSymbol, (string[] Methods, string[] Exceptions)[]> _byType = new(
        SymbolEqualityComparer.Default);

    private readonly ConcurrentDictionary<(string Name, IAssemblySymbol Assembly), ITypeSymbol?> _byName = new();

    private FrameworkExceptions(Compilation compilation) => _compilation = compilation;

    public static FrameworkExceptions Of(Compilation compilation) =>
        s_byCompilation.GetValue(compilation, static key => new FrameworkExceptions(key));

    public IEnumerable<ITypeSymbol> Of(IInvocationOperation call)
    {
        IMethodSymbol method = call.TargetMethod;
        INamedTypeSymbol type = method.ContainingType;
        if (method.IsStatic && method.Name.StartsWith("ThrowIf", StringComparison.Ordinal) && type.DerivesFrom("System", "Exception"))
        {
            return [type];
        }

        // of what is written in the code its author knows that it can be read; a number converts to another without a text
        if ((IsReader(method) && IsConstant(call.Arguments.FirstOrDefault()?.Value))
            || (type.Is("System", "Convert") && method.Parameters.FirstOrDefault()?.Type is { } converted
                && converted.SpecialType != SpecialType.System_String && converted.Name != "ReadOnlySpan"))
        {
            return [];
        }

        if (method.Name == "WaitAsync" && !method.Parameters.Any(parameter => parameter.Type.Is("System", "TimeSpan")))
        {
            return [];
        }

        return _byType.GetOrAdd(type, static type => [.. Entries(type)])
            .Where(entry => entry.Methods.Any(pattern => Matches(method.Name, pattern)))
            .SelectMany(entry => entry.Exceptions)
            .Select(exception => Find(exception, type.ContainingAssembly))
            .OfType<ITypeSymbol>();
    }

    /// <summary>
    /// The exception of this name. Nearly all stand in the assembly of what throws them; to look elsewhere reads every reference.
    /// </summary>
    private ITypeSymbol? Find(string name, IAssemblySymbol assembly) => _byName.GetOrAdd(
        (name, assembly),
        key => key.Assembly.GetTypeByMetadataName(key.Name) ?? _compilation.GetTypeByMetadataName(key.Name));

    /// <summary>What making an object is documented to throw: an address that is none.</summary>
    public ITypeSymbol? Of(IObjectCreationOperation creation) =>
        creation.Type.Is("System", "Uri")
        && creation.Arguments.Length == 1
        && creation.Arguments[0].Value is { Type.SpecialType: SpecialType.System_String } text
        && !IsConstant(text)
        && !BeginsWithHost(text.Unwrapped())
            ? Find("System.UriFormatException", creation.Type!.ContainingAssembly)
            : null;

    /// <summary>What the getter of a dictionary throws that does not hold the key.</summary>
    public ITypeSymbol? OfMissingKey() => _compilation.GetTypeByMetadataName("System.Collections.Generic.KeyNotFoundException");

    private static bool IsReader(IMethodSymbol method) =>
        method.Name.StartsWith("Parse", StringComparison.Ordinal) || method.Name.StartsWith("From", StringComparison.Ordinal)
        || method.Name.StartsWith("To", StringComparison.Ordinal)
        || method.Name == "Deserialize";

    private static bool IsConstant(IOperation? value) => value?.Unwrapped() switch
    {
        null => false,
        { ConstantValue.HasValue: true } => true,
        // "..."u8
        IUtf8StringOperation => true,
        _ => FixedValue.Of(value.Unwrapped()) is { ConstantValue.HasValue: true },
    };

    /// <summary>True for <c>$"https://host/{id}"</c>: what follows a host makes no address invalid.</summary>
    private static bool BeginsWithHost(IOperation text)
    {
        IOperation first = text;
        while (first is IBinaryOperation { OperatorKind: BinaryOperatorKind.Add } sum)
        {
            first = sum.LeftOperand.Unwrapped();
        }

        string? start = first switch
        {
            { ConstantValue: { HasValue: true, Value: string constant } } => constant,
            IInterpolatedStringOperation { Parts.Length: > 0 } interpolated =>
                (interpolated.Parts[0] as IInterpolatedStringTextOperation)?.Text.ConstantValue is { HasValue: true, Value: string part }
                ? part
                : null,
            _ => null,
        };
        int scheme = start?.IndexOf("://", StringComparison.Ordinal) ?? -1;
        return scheme > 0 && start!.IndexOf('/', scheme + 3) > scheme + 3;
    }

    private static IEnumerable<(string[] Methods, string[] Exceptions)> Entries(INamedTypeSymbol type)
    {
        foreach (INamedTypeSymbol part in type.AllInterfaces.Concat(Bases(type)))
        {
            if (s_names.Contains(part.Name)
                && s_known.TryGetValue($"{part.NamespaceName()}.{part.Name}", out (string Methods, string[] Exceptions)[]? entries))
            {
                foreach ((string methods, string[] exceptions) in entries)
                {
                    yield return (methods.Split(' '), exceptions);
                }
            }
        }
    }

    /// <summary>
    /// True for methods that call the delegates they are given before they, or their task, are done, and let exceptions through.
    /// </summary>
    public static bool RunsArguments(IMethodSymbol method)
    {
        INamedTypeSymbol type = method.ContainingType;
        return type.Is("System.Threading.Tasks", "Parallel")
            || type.Is("System.Linq", "Enumerable")
            || (type.Is("System.Threading.Tasks", "Task") && method.Name == "Run")
            || (type.Is("System.Collections.Generic", "List") && method.Name == "ForEach")
            || (type.Is("System", "Array") && method.Name == "ForEach");
    }

    private static IEnumerable<INamedTypeSymbol> Bases(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            yield return part;
        }
    }

    private static bool Matches(string name, string pattern) =>
        pattern[0] == '*' ? name.EndsWith(pattern.Substring(1), StringComparison.Ordinal)
        : pattern[pattern.Length - 1] == '*' ? name.StartsWith(pattern.Substring(0, pattern.Length - 1), StringComparison.Ordinal)
        : name == pattern;
}
