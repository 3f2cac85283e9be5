using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LateRecords;

/// <summary>FC3002: a call that could be cancelled is not told to: a stop, or a lost lease, waits for it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC3002TokenNotPassed : HandlerAnalyzer
{
    /// <summary>The diagnostic's property with the token's name.</summary>
    internal const string Token = nameof(Token);

    /// <summary>The diagnostic's property with the parameter's name, where the argument must be named.</summary>
    internal const string Parameter = nameof(Parameter);

    /// <summary>The diagnostic's property that says where the token goes, where that is not the end: one of the constants below.</summary>
    internal const string Form = nameof(Form);

    /// <summary>The arguments before it become an array: the last parameter of the method is a params array.</summary>
    internal const string BehindArray = nameof(BehindArray);

    /// <summary>Before the last argument.</summary>
    internal const string BeforeLast = nameof(BeforeLast);

    /// <summary>Nothing that a fix could write.</summary>
    internal const string None = nameof(None);

    // they wait for nothing
    private static readonly string[] s_inMemory = ["MemoryStream", "StringReader", "StringWriter"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.TokenNotPassed];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.All)
        {
            foreach (IInvocationOperation call in method.Of<IInvocationOperation>())
            {
                string? form = null;
                if ((CouldTakeToken(call, findings.Compilation, out string? parameter, ref form)
                    || IsParallelWithout(call, method, ref form))
                    && !IsInMemory(call) && !IsGivenLater(call, method) && !IsCleanup(call) && FindToken(call, method) is { } token)
                {
                    findings.Report(
                        Descriptors.TokenNotPassed,
                        call.Syntax.GetLocation(),
                        $"'{call.TargetMethod.Name}' is not given '{token}', so a stop or a lost lease waits until it ends by itself. "
                            + "Pass the token on; where it must not be cancelled, pass CancellationToken.None.",
                        (Token, token),
                        (Parameter, parameter),
                        (Form, form));
                }
            }
        }
    }

    private static bool CouldTakeToken(IInvocationOperation call, Compilation compilation, out string? named, ref string? form)
    {
        named = null;
        IMethodSymbol method = call.TargetMethod;
        if (!Waits(method.ReturnType) || method.MethodKind != MethodKind.Ordinary || IsAboutTasks(method))
        {
            return false;
        }

        if (method.Parameters.FirstOrDefault(parameter => parameter.Type.IsCancellationToken()) is { } own)
        {
            if (!call.Arguments.Any(
                argument => argument.ArgumentKind == ArgumentKind.DefaultValue && argument.Parameter?.Type.IsCancellationToken() == true))
            {
                return false;
            }

            bool skipsOthers = call.Arguments.Any(
                argument => argument.ArgumentKind != ArgumentKind.Explicit && argument.Parameter?.Ordinal < own.Ordinal);
            named = skipsOthers ? own.Name : null;
            return true;
        }

        if (!Overload(method, compilation))
        {
            return false;
        }

        form = method.Parameters.Any(parameter => parameter.IsParams) ? BehindArray : null;
        return true;
    }

    /// <summary>True for a parallel loop that is given no token, neither itself nor in its options.</summary>
    private static bool IsParallelWithout(IInvocationOperation call, ReachedMethod method, ref string? form)
    {
        if (!call.TargetMethod.ContainingType.Is("System.Threading.Tasks", "Parallel")
            || call.TargetMethod.Name is not ("ForEachAsync" or "ForAsync"))
        {
            return false;
        }

        if (call.Arguments.Any(argument => argument.Value.Type.IsCancellationToken()))
        {
            return false;
        }

        IOperation? options = call.Arguments.Select(argument => argument.Value.Unwrapped())
            .FirstOrDefault(value => value.Type.Is("System.Threading.Tasks", "ParallelOptions"));
        form = options is null ? BeforeLast : None;
        return options switch
        {
            null => true,
            IObjectCreationOperation creation => !SetsToken(creation),
            ILocalReferenceOperation local => method.Of<IVariableDeclaratorOperation>()
                    .FirstOrDefault(declarator => SymbolEqualityComparer.Default.Equals(declarator.Symbol, local.Local))
                    ?.GetVariableInitializer()?.Value.Unwrapped() is IObjectCreationOperation creation
                && !SetsToken(creation)
                && !method.Of<ISimpleAssignmentOperation>()
                    .Any(assignment => assignment.Target is IPropertyReferenceOperation { Property.Name: "CancellationToken" } set
                        && set.Instance.Root() is ILocalReferenceOperation root
                        && SymbolEqualityComparer.Default.Equals(root.Local, local.Local)),
            // who made it may have set it
            _ => false,
        };
    }

    private static bool SetsToken(IObjectCreationOperation options) =>
        options.Initializer?.Initializers.OfType<ISimpleAssignmentOperation>()
            .Any(assignment => assignment.Target is IPropertyReferenceOperation { Property.Name: "CancellationToken" }) == true;

    /// <summary>True where the stream, or the text, lies in memory: there is nothing to wait for.</summary>
    private static bool IsInMemory(IInvocationOperation call)
    {
        if (call.TargetMethod.Name == "CopyToAsync")
        {
            // the other end waits
            return call.Arguments.Length > 0 && IsInMemory(call.Arguments[0].Value) && call.Instance is { } source && IsInMemory(source);
        }

        return call.Instance is { } instance && IsInMemory(instance);
    }

    private static bool IsInMemory(IOperation value)
    {
        IOperation stream = value.Unwrapped();
        if (stream is IFieldReferenceOperation { Field: { Name: "Null", IsStatic: true } }
            || (stream.Type is { } type && type.NamespaceName() == "System.IO" && Array.IndexOf(s_inMemory, type.Name) >= 0))
        {
            return true;
        }

        return stream is ILocalReferenceOperation local && local.Local.Type.NamespaceName() == "System.IO"
            && local.InitialValue()?.Unwrapped() is IObjectCreationOperation creation && IsInMemory(creation);
    }

    /// <summary>True for a stream of items that is given its token where it is read: <c>WithCancellation(token)</c>.</summary>
    private static bool IsGivenLater(IInvocationOperation call, ReachedMethod method)
    {
        if (!call.Type.Is("System.Collections.Generic", "IAsyncEnumerable"))
        {
            return false;
        }

        IOperation? parent = call.Parent;
        while (parent is IConversionOperation or IArgumentOperation or IInvocationOperation)
        {
            if (parent is IInvocationOperation { TargetMethod.Name: "WithCancellation" })
            {
                return true;
            }

            parent = parent.Parent;
        }

        return parent is IVariableInitializerOperation { Parent: IVariableDeclaratorOperation { Symbol: { } local } }
            && method.Of<IInvocationOperation>().Any(later => later.TargetMethod.Name == "WithCancellation"
                && (later.Instance ?? later.Arguments.FirstOrDefault()?.Value).Root() is ILocalReferenceOperation read
                && SymbolEqualityComparer.Default.Equals(read.Local, local));
    }

    /// <summary>True where the type has the same method with a token behind its parameters.</summary>
    private static bool Overload(IMethodSymbol method, Compilation compilation)
    {
        IMethodSymbol called = method.OriginalDefinition;
        for (INamedTypeSymbol? type = called.ContainingType; type is not null; type = type.BaseType)
        {
            foreach (IMethodSymbol candidate in type.GetMembers(called.Name).OfType<IMethodSymbol>())
            {
                if (candidate.IsStatic == called.IsStatic
                    && candidate.Arity == called.Arity
                    && candidate.Parameters.Length == called.Parameters.Length + 1
                    && candidate.Parameters[called.Parameters.Length].Type.IsCancellationToken()
                    && candidate.Parameters.Zip(called.Parameters, (left, right) => SameType(left.Type, right.Type)).All(same => same)
                    && SameType(candidate.ReturnType, called.ReturnType)
                    && compilation.IsSymbolAccessibleWithin(candidate, compilation.Assembly))
                {
                    return true;
                }
            }
        }

        return false;
    }

    // type parameters of two overloads are equal by their place only
    private static bool SameType(ITypeSymbol left, ITypeSymbol right) =>
        SymbolEqualityComparer.Default.Equals(left, right) || left.ToDisplayString() == right.ToDisplayString();

    private static bool Waits(ITypeSymbol type) => type.IsTask()
        || type.Is("System.Collections.Generic", "IAsyncEnumerable")
        || type.Is("System.Runtime.CompilerServices", "ConfiguredCancelableAsyncEnumerable");

    // a token given to these does not reach the work itself
    private static bool IsAboutTasks(IMethodSymbol method) =>
        (method.ContainingType.Is("System.Threading.Tasks", "Task") && method.Name is "Run" or "ContinueWith")
        || method.ContainingType.Name == "TaskFactory"
        || method.ContainingType.Is("System.Threading.Tasks", "Parallel");

    // cleaning up goes on when the work is cancelled
    private static bool IsCleanup(IOperation call)
    {
        for (IOperation? child = call, parent = call.Parent; parent is not null; child = parent, parent = parent.Parent)
        {
            if (parent is ICatchClauseOperation || (parent is ITryOperation { Finally: { } last } && last == child))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The name of the nearest token among the parameters of the functions around the call.</summary>
    private static string? FindToken(IOperation call, ReachedMethod method)
    {
        for (IOperation? parent = call.Parent; parent is not null; parent = parent.Parent)
        {
            IMethodSymbol? function = parent switch
            {
                IAnonymousFunctionOperation lambda => lambda.Symbol,
                ILocalFunctionOperation local => local.Symbol,
                _ => null,
            };
            if (function is not null)
            {
                if (TokenOf(function) is { } token)
                {
                    return token;
                }

                if (function.IsStatic)
                {
                    return null;
                }
            }
        }

        return TokenOf(method.Method);
    }

    private static string? TokenOf(IMethodSymbol function) =>
        function.Parameters.FirstOrDefault(
            parameter => parameter.Type.IsCancellationToken() && parameter.Name != "_" && !parameter.IsDiscard)?.Name is { } name
            ? SymbolNames.Escape(name)
            : null;
}
