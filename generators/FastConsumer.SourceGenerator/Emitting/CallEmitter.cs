using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>How a call's transaction begins.</summary>
/// <param name="Subject">What is handled: the cursor on a record, or a batch.</param>
/// <param name="Token">The call's token.</param>
internal readonly record struct TransactionCall(string Subject, string Token);

/// <summary>Writes how payloads are read and how the user's methods are called.</summary>
internal sealed class CallEmitter(SourceWriter writer, FieldNames fields, string processor)
{
    private const string DependencyInjection = "global::Microsoft.Extensions.DependencyInjection";
    private const string ValueTask = "global::System.Threading.Tasks.ValueTask";
    private const string PayloadReader = "global::FastConsumer.Processors.PayloadReader";

    /// <summary>The payload of the record that the cursor stands on.</summary>
    public string Read(PayloadModel payload) => payload.Kind switch
    {
        PayloadKind.Json => $"{PayloadReader}.Json(cursor.DataSpan, {fields.Of(payload)})",
        PayloadKind.Protobuf => $"{payload.Type}.Parser.ParseFrom(cursor.DataSpan)",
        PayloadKind.Text => $"{PayloadReader}.Text(cursor.DataSpan)",
        PayloadKind.Memory => "cursor.Data",
        PayloadKind.Span => "cursor.DataSpan",
        PayloadKind.Record => "cursor.Current",
        PayloadKind.Deserializer => $"{fields.Of(payload.Deserializer!)}.Deserialize(cursor.Current)",
        _ => throw new ArgumentOutOfRangeException(nameof(payload), payload.Kind, "No payload of one record."),
    };

    /// <summary>The question whether the record that the cursor stands on is of interest.</summary>
    public string Filter(FilterModel filter) => Filter(
        filter.Method, filter.Kind == PayloadKind.Span ? "cursor.DataSpan" : "cursor.Current");

    /// <summary>The question whether a payload is of interest.</summary>
    public string Filter(string method, string payload) => $"{processor}.{method}({payload})";

    /// <summary>The call of a user's method, as an expression; services are variables that <see cref="InScope"/> declares.</summary>
    public string Call(
        MethodModel method, IReadOnlyList<ArgumentModel> arguments, string payload, string context, string token = "cancellationToken")
    {
        string target = method.IsStatic ? processor : "_processor";
        return $"{target}.{method.Name}({string.Join(", ", arguments.Select(Argument))})";

        string Argument(ArgumentModel argument, int position) => argument.Kind switch
        {
            ArgumentKind.Payload => payload,
            ArgumentKind.Context => context,
            ArgumentKind.CancellationToken => token,
            ArgumentKind.Transaction => "_transactions.Current",
            _ => Service(position),
        };
    }

    /// <summary>Calls and returns what the method returns, as a ValueTask.</summary>
    public void Return(MethodModel method, string call)
    {
        switch (method.Returns)
        {
            case ReturnKind.ValueTask:
                writer.Line($"return {call};");
                break;
            case ReturnKind.Task:
                writer.Line($"return new {ValueTask}({Required(method, call)});");
                break;
            default:
                writer.Line($"{call};");
                writer.Line("return default;");
                break;
        }
    }

    /// <summary>Calls inside a scope of its own, which is disposed after the method has finished.</summary>
    /// <param name="method">The method.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="call">The call, as <see cref="Call"/> writes it.</param>
    /// <param name="transaction">Its transaction; null for none.</param>
    public void InScope(MethodModel method, IReadOnlyList<ArgumentModel> arguments, string call, TransactionCall? transaction)
    {
        const string Extensions = $"{DependencyInjection}.ServiceProviderServiceExtensions";
        const string KeyedExtensions = $"{DependencyInjection}.ServiceProviderKeyedServiceExtensions";
        writer.Line($"{DependencyInjection}.AsyncServiceScope scope = {Extensions}.CreateAsyncScope(_scopes);");
        writer.Open("try");
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i].Kind is ArgumentKind.Service or ArgumentKind.OptionalService)
            {
                string get = arguments[i].Kind == ArgumentKind.Service ? "GetRequired" : "Get";
                writer.Line(arguments[i].Key is { } key
                    ? $"var {Service(i)} = {KeyedExtensions}.{get}KeyedService<{arguments[i].Type}>(scope.ServiceProvider, {key});"
                    : $"var {Service(i)} = {Extensions}.{get}Service<{arguments[i].Type}>(scope.ServiceProvider);");
            }
        }

        Await(method, call, transaction);
        writer.Close();
        writer.Open("finally");
        writer.Line("await scope.DisposeAsync();");
        writer.Close();
    }

    /// <summary>Calls and waits for the method, in its transaction where it takes one.</summary>
    public void Await(MethodModel method, string call, TransactionCall? transaction)
    {
        string awaited = method.Returns == ReturnKind.Void ? $"{call};" : $"await {Required(method, call)};";
        if (transaction is not { } own)
        {
            writer.Line(awaited);
            return;
        }

        writer.Line("// false: its former try was committed, and its answer was lost");
        writer.Open($"if (!await _transactions.BeginAsync({own.Subject}, {own.Token}))");
        writer.Line("return;");
        writer.Close();
        writer.Line();
        writer.Open("try");
        writer.Line(awaited);
        writer.Line($"await _transactions.CommitAsync({own.Token});");
        writer.Close();
        writer.Open("finally");
        writer.Line("await _transactions.EndAsync();");
        writer.Close();
    }

    /// <summary>A method that is not async may return null for a task: that is said by name.</summary>
    private static string Required(MethodModel method, string call) =>
        method.Returns == ReturnKind.Task ? $"Required({call}, {Literals.Text(method.Name.TrimStart('@'))})" : call;

    private static string Service(int position) => "service" + Literals.Number(position + 1);
}
