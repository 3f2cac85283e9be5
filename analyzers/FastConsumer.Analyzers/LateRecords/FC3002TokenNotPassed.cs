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

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.TokenNotPassed];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.All)
        {
            foreach (IInvocationOperation call in method.Operations.OfType<IInvocationOperation>())
            {
                if (CouldTakeToken(call, findings.Compilation, out string? parameter) && !IsCleanup(call) && FindToken(call, method) is { } token)
                {
                    findings.Report(
                        Descriptors.TokenNotPassed,
                        call.Syntax.GetLocation(),
                        $"'{call.TargetMethod.Name}' is not given '{token}', so a stop or a lost lease waits until it ends by itself. Pass the token on; where it must not be cancelled, pass CancellationToken.None.",
                        (Token, token),
                        (Parameter, parameter));
                }
            }
        }
    }

    private static bool CouldTakeToken(IInvocationOperation call, Compilation compilation, out string? named)
    {
        named = null;
        IMethodSymbol method = call.TargetMethod;
        if (!Waits(method.ReturnType) || method.MethodKind != MethodKind.Ordinary || IsAboutTasks(method))
        {
            return false;
        }

        if (method.Parameters.FirstOrDefault(parameter => parameter.Type.IsCancellationToken()) is { } own)
        {
            if (!call.Arguments.Any(argument => argument.ArgumentKind == ArgumentKind.DefaultValue && argument.Parameter?.Type.IsCancellationToken() == true))
            {
                return false;
            }

            bool skipsOthers = call.Arguments.Any(argument => argument.ArgumentKind != ArgumentKind.Explicit && argument.Parameter?.Ordinal < own.Ordinal);
            named = skipsOthers ? own.Name : null;
            return true;
        }

        return Overload(method, compilation);
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
                    && compilation.IsSymbolAccessibleWithin(candidate, compilation.Assembly)
                    && !called.Parameters.Any(parameter => parameter.IsParams))
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
        function.Parameters.FirstOrDefault(parameter => parameter.Type.IsCancellationToken() && parameter.Name != "_" && !parameter.IsDiscard)?.Name is { } name
            ? SymbolNames.Escape(name)
            : null;
}
