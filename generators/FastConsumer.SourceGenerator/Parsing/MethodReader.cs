using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1002: the signatures of handlers and life-cycle methods.</summary>
internal sealed class MethodReader(ShapeProblems problems)
{
    /// <summary>Reads the method of an OnRecord or OnBatch attribute; null where its signature is broken.</summary>
    public HandlerShape? ReadHandler(IMethodSymbol method, bool isBatch, string? route)
    {
        string attribute = isBatch ? "[OnBatch]" : "[OnRecord]";
        if (!ReadMethod(method, attribute, out ReturnKind returns))
        {
            return null;
        }

        var payloads = new PayloadReader(problems);
        var arguments = new List<ArgumentShape>();
        PayloadShape? payload = null;
        bool broken = false;
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            ArgumentKind? kind = KindOf(parameter, isBatch ? "BatchContext" : "RecordContext");
            if (!CheckParameter(parameter, kind, method))
            {
                broken = true;
                continue;
            }

            if (kind is null)
            {
                if (payload is not null)
                {
                    problems.Add(
                        RuleIds.Handler,
                        parameter.Place(),
                        $"'{method.InMessages()}' takes two payloads, '{payload.Parameter.Name}' and '{parameter.Name}'; "
                            + "a handler takes exactly one. Remove one, or mark it [FromServices] if it is a service.");
                    return null;
                }

                payload = isBatch ? payloads.ReadBatch(parameter, method) : payloads.Read(parameter, parameter.Type, method);
                broken |= payload is null;
                if (payload is null)
                {
                    continue;
                }
            }

            if (kind == ArgumentKind.Transaction && arguments.Find(other => other.Kind == kind) is { } first)
            {
                problems.Add(
                    RuleIds.Handler,
                    parameter.Place(),
                    $"'{method.InMessages()}' takes two transactions, '{first.Parameter.Name}' and '{parameter.Name}'; a call has one, "
                        + "which is committed with the position. Remove one of them.");
                broken = true;
                continue;
            }

            arguments.Add(new ArgumentShape(parameter, kind ?? ArgumentKind.Payload));
        }

        if (payload is null && !broken)
        {
            string payloadForms = isBatch
                ? "a RecordBatch or a ReadOnlyMemory<T>"
                : "a JSON type, a protobuf message, string, ReadOnlyMemory<byte>, ReadOnlySpan<byte> or KinesisRecord";
            problems.Add(
                RuleIds.Handler,
                method.Place(),
                $"'{method.InMessages()}' is marked {attribute} but takes no payload. Add a parameter for it: {payloadForms}.");
        }

        return payload is null || broken ? null : new HandlerShape(method, returns, payload, arguments) { Route = route };
    }

    /// <summary>Reads a life-cycle method; null where its signature is broken.</summary>
    public LifeCycleShape? ReadLifeCycle(IMethodSymbol method, LifeCycleKind kind)
    {
        string attribute = $"[On{kind}]";
        if (!ReadMethod(method, attribute, out ReturnKind returns))
        {
            return null;
        }

        var arguments = new List<ArgumentShape>();
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            ArgumentKind? argument = KindOf(parameter, "ShardContext");
            if (!CheckParameter(parameter, argument, method))
            {
                return null;
            }

            if (argument is not (ArgumentKind.Context or ArgumentKind.CancellationToken))
            {
                problems.Add(
                    RuleIds.Handler,
                    parameter.Place(),
                    $"'{parameter.Name}' of '{method.InMessages()}' cannot be bound: a method marked {attribute} takes a ShardContext and "
                        + "a CancellationToken, nothing else. Take services through the constructor.");
                return null;
            }

            arguments.Add(new ArgumentShape(parameter, argument.Value));
        }

        return new LifeCycleShape(kind, method, returns, arguments);
    }

    private static ArgumentKind? KindOf(IParameterSymbol parameter, string context)
    {
        ITypeSymbol type = parameter.Type;
        if (parameter.IsService())
        {
            bool optional = type.NullableAnnotation == NullableAnnotation.Annotated && type.IsReferenceType;
            return optional ? ArgumentKind.OptionalService : ArgumentKind.Service;
        }

        if (type.Is("System.Threading", "CancellationToken"))
        {
            return ArgumentKind.CancellationToken;
        }

        return type.IsContract(context) ? ArgumentKind.Context
            : IsTransaction(parameter) ? ArgumentKind.Transaction
            : null;
    }

    /// <summary>True for a parameter that says by its type, or by an attribute, that it is a transaction.</summary>
    private static bool IsTransaction(IParameterSymbol parameter)
    {
        for (ITypeSymbol? type = parameter.Type; type is { SpecialType: SpecialType.None }; type = type.BaseType)
        {
            if (type.Is("System.Data.Common", "DbTransaction"))
            {
                return true;
            }
        }

        return parameter.FindAttribute("SinkTransactionAttribute") is not null;
    }

    private bool ReadMethod(IMethodSymbol method, string attribute, out ReturnKind returns)
    {
        returns = ReturnKind.Void;
        string? problem = null;
        if (method.MethodKind != MethodKind.Ordinary || method.ExplicitInterfaceImplementations.Length > 0)
        {
            problem = $"'{method.InMessages()}' is marked {attribute} but cannot be called by its name. Use an ordinary method.";
        }
        else if (method.IsGenericMethod)
        {
            problem =
                $"'{method.InMessages()}' is marked {attribute} but has type parameters, for which nothing can be chosen. Remove them.";
        }
        else if (method.ReturnType.FindUnknown() is { } unknown)
        {
            problems.UnknownType ??= unknown.Name;
            return false;
        }
        else if (method.ReturnsVoid)
        {
            problem = method.IsAsync
                ? $"'{method.InMessages()}' is async void: nobody can wait for it or see its exception. Return ValueTask or Task."
                : null;
        }
        else if (method.RefKind == RefKind.None && method.ReturnType.Is("System.Threading.Tasks", "ValueTask")
            && IsPlain(method.ReturnType))
        {
            returns = ReturnKind.ValueTask;
        }
        else if (method.RefKind == RefKind.None && method.ReturnType.Is("System.Threading.Tasks", "Task") && IsPlain(method.ReturnType))
        {
            returns = ReturnKind.Task;
        }
        else
        {
            problem = $"'{method.InMessages()}' returns {method.ReturnType.InMessages()}, which nothing would read. "
                + $"A method marked {attribute} returns void, ValueTask or Task.";
        }

        if (problem is not null)
        {
            problems.Add(RuleIds.Handler, method.Place(), problem);
        }

        return problem is null;

        static bool IsPlain(ITypeSymbol type) => ((INamedTypeSymbol)type).Arity == 0;
    }

    private static bool IsOfTheCall(ITypeSymbol type) =>
        type.Is("System.Threading", "CancellationToken")
        || (type.Name is "RecordContext" or "BatchContext" or "ShardContext" or "KinesisRecord" or "RecordBatch"
            && type.IsContract(type.Name));

    private bool CheckParameter(IParameterSymbol parameter, ArgumentKind? kind, IMethodSymbol method)
    {
        ITypeSymbol type = parameter.Type;
        if ((type.FindUnknown() ?? (type.IsFileLocal() ? type : null)) is { } unusable)
        {
            problems.UnknownType ??= unusable.Name;
            return false;
        }

        string? reason = null;
        if (parameter.KeyProblem() is { } problem)
        {
            reason = problem;
        }
        else if (parameter.RefKind is not (RefKind.None or RefKind.In))
        {
            reason = "it is passed by reference. Pass it by value";
        }
        else if (parameter.IsParams)
        {
            reason = "it is a params parameter. Remove 'params'";
        }
        else if (type.TypeKind is TypeKind.Pointer or TypeKind.FunctionPointer or TypeKind.Dynamic)
        {
            reason = $"nothing can be bound to {type.InMessages()}";
        }
        else if (kind is ArgumentKind.Service or ArgumentKind.OptionalService && IsOfTheCall(type))
        {
            reason = $"{type.InMessages()} is no service: each call brings its own. Remove [FromServices]";
        }
        else if (kind is ArgumentKind.Transaction && !type.IsReferenceType)
        {
            reason = $"{type.InMessages()} is no class, and IPositionStore<TTransaction> takes classes only. Use a class";
        }
        else if (kind is null && type.Name is "RecordContext" or "BatchContext" or "ShardContext" && type.IsContract(type.Name))
        {
            reason = $"{type.Name} belongs to another kind of method: RecordContext to [OnRecord], BatchContext to [OnBatch], "
                + "ShardContext to the life cycle";
        }

        if (reason is not null)
        {
            problems.Add(RuleIds.Handler, parameter.Place(), $"'{parameter.Name}' of '{method.InMessages()}' cannot be bound: {reason}.");
        }

        return reason is null;
    }
}
