using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2006: a record is only put into a buffer, and the call ends: the checkpoint passes it, and a crash loses it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2006BufferedRecord : HandlerAnalyzer
{
    private const int MostSteps = 6;

    private static readonly string[] s_adding =
        ["Add", "AddRange", "AddFirst", "AddLast", "Append", "AppendLine", "AppendFormat", "Enqueue", "EnqueueRange", "Insert", "Push",
            "PushRange", "TryAdd", "Write"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.BufferedRecord];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        // what is made of the record is asked for where something is put away at all
        if (!code.FromRecords.Any(method => method.Operations.Any(operation => MayKeep(operation))))
        {
            return;
        }

        var made = MadeOfRecord.In(code, findings.CancellationToken);
        var search = new Search(code, made, findings.CancellationToken);
        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (IOperation operation in method.Operations)
            {
                if (MayKeep(operation) && search.Find(operation, method) is { } message)
                {
                    findings.Report(Descriptors.BufferedRecord, operation.Syntax.GetLocation(), message);
                }
            }
        }
    }

    private static bool MayKeep(IOperation operation) => operation switch
    {
        IInvocationOperation call => IsChannelWrite(call) || IsAdding(call),
        ISimpleAssignmentOperation
        {
            Target: IArrayElementReferenceOperation { ArrayReference: IMemberReferenceOperation, Indices.Length: 1 } element
        } => element.Indices[0] is IIncrementOrDecrementOperation,
        _ => false,
    };

    private static bool IsChannelWrite(IInvocationOperation call) =>
        (call.TargetMethod.Name is "WriteAsync" or "TryWrite"
            && call.TargetMethod.ContainingType.NamespaceName() == "System.Threading.Channels")
        || (call.TargetMethod.Name is "Post" or "SendAsync"
            && call.TargetMethod.ContainingType.NamespaceName() == "System.Threading.Tasks.Dataflow");

    private static bool IsAdding(IInvocationOperation call) =>
        Array.IndexOf(s_adding, call.TargetMethod.Name) >= 0 && call.Instance?.Type is INamedTypeSymbol type
        && IsBuffer(type, call.TargetMethod);

    // a set knows what was there, a dictionary the last value of each key: neither is a buffer
    private static bool IsBuffer(INamedTypeSymbol type, IMethodSymbol method)
    {
        string place = type.NamespaceName();
        bool isKnown = place.StartsWith("System.Collections", StringComparison.Ordinal)
            || type.Is("System.Text", "StringBuilder")
            || type.Is("System.IO", "MemoryStream")
            || type.Is("System.Buffers", "ArrayBufferWriter");
        return isKnown
            && (method.Name != "Write" || place is "System.IO" or "System.Buffers")
            && !type.Name.EndsWith("Dictionary", StringComparison.Ordinal)
            && !type.Name.EndsWith("Set", StringComparison.Ordinal)
            && type.Name != "SortedList";
    }

    /// <summary>Looks at the places where one processor puts something away.</summary>
    private sealed class Search(ProcessorCode code, MadeOfRecord made, CancellationToken cancellationToken)
    {
        private readonly Dictionary<ISymbol, bool> _drained = new(SymbolEqualityComparer.Default);
        private List<(IInvocationOperation Call, ReachedMethod In)>? _more;

        public string? Find(IOperation operation, ReachedMethod method)
        {
            if (operation is IInvocationOperation write && IsChannelWrite(write))
            {
                IOperation? target = write.Instance ?? write.Arguments.FirstOrDefault()?.Value;
                return target.Root().OutlivesCall()
                    && write.Arguments.Any(argument => argument.Value != target && made.Holds(argument.Value))
                    && !WaitsForIt(write, method)
                    && More.Count == 0
                        ? Message("in a channel")
                        : null;
            }

            (IOperation? chain, IOperation? value) = operation switch
            {
                IInvocationOperation call => (call.Instance, call.Arguments.Select(argument => argument.Value).FirstOrDefault(made.Holds)),
                ISimpleAssignmentOperation assignment => (assignment.Target, made.Holds(assignment.Value) ? assignment.Value : null),
                _ => (null, null),
            };
            // whether a task is awaited is another rule's matter
            if (value is null || value.Type.IsTask() || IsNumber(value.Unwrapped().Type)
                || RecordBuffer.Of(chain, method) is not { } symbol)
            {
                return null;
            }

            var buffer = new RecordBuffer(symbol);
            return IsDrained(buffer) && More.All(more => IsSkippedFlush(more.Call, more.In, buffer, operation, method, steps: 0))
                    && Leaves(method, operation, buffer, steps: 0)
                ? Message($"in '{symbol.Name}'")
                : null;
        }

        private static string Message(string where) =>
            $"The record is only put away {where} when the call ends: it counts as done, the checkpoint passes it, and a crash loses it. "
            + "Finish the work in the call, or take batches with [OnBatch].";

        /// <summary>What else is done with the record: a buffer beside that is no loss.</summary>
        private List<(IInvocationOperation Call, ReachedMethod In)> More => _more ??=
            [.. code.FromRecords.SelectMany(method => method.Of<IInvocationOperation>().Where(DoesMore).Select(call => (call, method)))];

        private bool DoesMore(IInvocationOperation call) => IsStatement(call)
            && !IsChannelWrite(call)
            && !CaughtNote.Collects(call)
            && !IsAdding(call)
            && !QuietCalls.IsQuiet(call)
            && !call.TargetMethod.ContainingType.NamespaceName().StartsWith("FastConsumer", StringComparison.Ordinal)
            && call.Arguments.Any(argument => argument.Value.Unwrapped() is not IDelegateCreationOperation && made.Holds(argument.Value))
            && code.Target(call, cancellationToken) is null
            && call.TargetMethod.MethodKind != MethodKind.LocalFunction;

        /// <summary>
        /// True for a call that is given the buffer, and the record only beside it, and that a way to the end passes by: a flush that is
        /// named by the record which filled the buffer.
        /// </summary>
        private bool IsSkippedFlush(
            IInvocationOperation call, ReachedMethod place, RecordBuffer buffer, IOperation put, ReachedMethod putIn, int steps)
        {
            if (steps == 0 && !call.Arguments.Any(argument => argument.Value.DescendantsAndSelf().Any(part => buffer.Is(part)
                || (part is ILocalReferenceOperation
                    && SymbolEqualityComparer.Default.Equals(RecordBuffer.Of(part, place), buffer.Symbol)))))
            {
                return false;
            }

            var body = new ReachedBody(place.Method, place.Body);
            if (place == putIn)
            {
                return WayOut.Misses(put, body, part => part.Syntax == call.Syntax, cancellationToken);
            }

            ReachedUse[] uses = [.. code.UsesOf(place.Method).Where(use => use.In.FromRecords)];
            return steps < MostSteps
                && uses.Length > 0
                && (WayOut.MissesFromStart(body, part => part.Syntax == call.Syntax, cancellationToken)
                    || uses.All(use => use.Operation is IInvocationOperation outer
                        && IsSkippedFlush(outer, use.In, buffer, put, putIn, steps + 1)));
        }

        /// <summary>True for a call whose result nobody uses but as the call's own end.</summary>
        private static bool IsStatement(IInvocationOperation call)
        {
            IOperation value = call;
            while (value.Parent is IAwaitOperation or IConversionOperation
                || (value.Parent is IInvocationOperation
                {
                    TargetMethod.Name: "ConfigureAwait" or "AsTask" or "Wait" or "GetAwaiter" or "GetResult"
                } wrapper && wrapper.Instance == value)
                || (value.Parent is IObjectCreationOperation or IArgumentOperation && value.Type.IsTask()))
            {
                value = value.Parent;
            }

            return value.Parent is IExpressionStatementOperation or IReturnOperation
                or ISimpleAssignmentOperation { Target: IDiscardOperation } or IArrayInitializerOperation;
        }

        /// <summary>True where the call waits until the other side has said that it is done.</summary>
        private static bool WaitsForIt(IOperation write, ReachedMethod method) => method.Of<IAwaitOperation>().Any(await =>
            await.Syntax.SpanStart > write.Syntax.SpanStart
            && await.Operation.DescendantsAndSelf().Any(
                part => part is IPropertyReferenceOperation { Property.Name: "Task" or "Completion" } property && property.Type.IsTask()));

        private bool Leaves(ReachedMethod method, IOperation operation, RecordBuffer buffer, int steps)
        {
            // a lambda runs where it is handed over
            IOperation place = operation;
            for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
            {
                if (parent is IAnonymousFunctionOperation)
                {
                    place = parent.Parent is { } outer ? OutOf(outer) : parent;
                }
            }

            HashSet<SyntaxNode> ends = Ends(method.Operations, buffer, steps: 0);
            if (!WayOut.Misses(place, new ReachedBody(method.Method, method.Body), part => ends.Contains(part.Syntax), cancellationToken))
            {
                return false;
            }

            return method.IsHandler
                || (steps < MostSteps && code.UsesOf(method.Method).Any(use => use.In.FromRecords && use.Operation is IInvocationOperation
                    && Leaves(use.In, use.Operation, buffer, steps + 1)));
        }

        private static IOperation OutOf(IOperation operation)
        {
            while (operation is not IInvocationOperation && operation.Parent is not null)
            {
                operation = operation.Parent;
            }

            return operation;
        }

        /// <summary>What empties the buffer in one body: at once, or by a method that always does.</summary>
        private HashSet<SyntaxNode> Ends(IReadOnlyList<IOperation> body, RecordBuffer buffer, int steps)
        {
            var ends = new HashSet<SyntaxNode>(buffer.Drains(body).Select(drain => drain.Syntax));
            foreach (IOperation operation in body)
            {
                if (buffer.IsAskedForAny(operation)
                    || (steps < MostSteps && operation is IInvocationOperation call && code.Target(call, cancellationToken) is { } target
                        && AlwaysEmpties(target, buffer, steps + 1)))
                {
                    ends.Add(operation.Syntax);
                }
            }

            return ends;
        }

        private bool AlwaysEmpties(ReachedBody method, RecordBuffer buffer, int steps)
        {
            IOperation[] body = [.. method.Body.DescendantsAndSelf()];
            if (method.Method.MethodKind == MethodKind.LocalFunction)
            {
                return buffer.Drains(body).Count > 0;
            }

            HashSet<SyntaxNode> ends = Ends(body, buffer, steps);
            return ends.Count > 0 && !WayOut.MissesFromStart(method, part => ends.Contains(part.Syntax), cancellationToken);
        }

        /// <summary>True where some code of the compilation takes the content out.</summary>
        private bool IsDrained(RecordBuffer buffer)
        {
            if (_drained.TryGetValue(buffer.Symbol, out bool known))
            {
                return known;
            }

            bool found = Types(buffer.Symbol).Any(type => type.GetMembers().OfType<IMethodSymbol>().Any(method =>
                method.MethodKind is not (MethodKind.Constructor or MethodKind.StaticConstructor)
                && code.BodyOf(method, cancellationToken) is { } body
                && buffer.Drains(body.DescendantsAndSelf()).Count > 0))
                // a pump that the constructor starts with a lambda
                || buffer.Symbol.ContainingType.Constructors.Any(constructor => code.BodyOf(constructor, cancellationToken) is { } body
                    && body.Descendants().OfType<IAnonymousFunctionOperation>()
                        .Any(lambda => buffer.Drains(lambda.Descendants()).Count > 0));
            _drained[buffer.Symbol] = found;
            return found;
        }

        /// <summary>Where the buffer may be drained: in its own class; what others see, or are given by DI, also there.</summary>
        private IEnumerable<INamedTypeSymbol> Types(ISymbol symbol)
        {
            INamedTypeSymbol own = symbol.ContainingType;
            yield return own;
            if (symbol is IParameterSymbol || symbol.DeclaredAccessibility != Accessibility.Private)
            {
                foreach (INamedTypeSymbol type in All(code.Compilation.Assembly.GlobalNamespace)
                    .Where(type => !SymbolEqualityComparer.Default.Equals(type, own)))
                {
                    yield return type;
                }
            }
        }

        private static IEnumerable<INamedTypeSymbol> All(INamespaceOrTypeSymbol container)
        {
            foreach (ISymbol member in container.GetMembers())
            {
                if (member is INamespaceOrTypeSymbol inner)
                {
                    if (inner is INamedTypeSymbol type)
                    {
                        yield return type;
                    }

                    foreach (INamedTypeSymbol nested in All(inner))
                    {
                        yield return nested;
                    }
                }
            }
        }

        // a sum of numbers is an aggregate, however it is kept
        private static bool IsNumber(ITypeSymbol? type) => type is { TypeKind: TypeKind.Enum }
            || type?.SpecialType is >= SpecialType.System_Boolean and <= SpecialType.System_Double and not SpecialType.System_Char
            || type.Is("System", "DateTimeOffset") || type.Is("System", "DateTime") || type.Is("System", "TimeSpan");
    }
}
