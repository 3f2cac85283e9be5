using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1002 and FC1003, the part about filters: their signatures, and that each is asked.</summary>
internal static class FilterReader
{
    /// <summary>
    /// Reads the filters of a class; those of payload types are given to their handlers. Returns the one of records; null without one.
    /// </summary>
    public static FilterModel? Read(INamedTypeSymbol type, IReadOnlyList<HandlerShape> handlers, ShapeProblems problems)
    {
        IMethodSymbol? first = null;
        FilterModel? raw = null;
        foreach (IMethodSymbol method in type.GetMembers().OfType<IMethodSymbol>())
        {
            if (method.FindAttribute("FilterAttribute") is null)
            {
                continue;
            }

            if (method.FindAttribute("OnRecordAttribute") is not null || method.FindAttribute("OnBatchAttribute") is not null)
            {
                problems.Add(
                    RuleIds.HandlerSet,
                    method.Place(),
                    $"'{method.Name}' is marked [Filter] and takes records too. Use a method of its own for each.");
                continue;
            }

            if (!IsFilter(method))
            {
                problems.Add(
                    RuleIds.Handler,
                    method.Place(),
                    $"'{method.InMessages()}' is no filter: a method marked [Filter] is static, has no type parameters, returns bool and "
                        + "takes one value, a ReadOnlySpan<byte>, a KinesisRecord or the payload of a handler.");
                continue;
            }

            ITypeSymbol asked = method.Parameters[0].Type;
            if (asked.FindUnknown() is { } unknown)
            {
                problems.UnknownType ??= unknown.Name;
                continue;
            }

            PayloadKind? kind = asked.IsContract("KinesisRecord") ? PayloadKind.Record
                : asked.Is("System", "ReadOnlySpan") && asked.OnlyTypeArgument()?.SpecialType == SpecialType.System_Byte ? PayloadKind.Span
                : null;
            if (kind is not null)
            {
                if (first is not null)
                {
                    problems.Add(
                        RuleIds.HandlerSet,
                        method.Place(),
                        $"'{method.Name}' and '{first.Name}' both filter every record. Remove one of them, or call it from the other.");
                }

                first ??= method;
                raw ??= new FilterModel(SymbolNames.Escape(method.Name), kind.Value);
                continue;
            }

            AssignToHandlers(method, asked, handlers, problems);
        }

        return raw;
    }

    private static void AssignToHandlers(
        IMethodSymbol method, ITypeSymbol asked, IReadOnlyList<HandlerShape> handlers, ShapeProblems problems)
    {
        bool used = false;
        foreach (HandlerShape handler in handlers.Where(
            handler => handler.Payload.Kind != PayloadKind.Batch && SymbolEqualityComparer.Default.Equals(handler.Payload.Type, asked)))
        {
            used = true;
            if (handler.Filter is not null)
            {
                problems.Add(RuleIds.HandlerSet, method.Place(), $"'{method.Name}' and '{handler.Filter}' both filter the payloads of "
                    + $"'{handler.Method.Name}'. Remove one of them, or call it from the other.");
            }

            handler.Filter ??= SymbolNames.Escape(method.Name);
        }

        if (!used)
        {
            problems.Add(RuleIds.HandlerSet, method.Place(), $"The filter '{method.Name}' is never asked: "
                + $"no handler takes {asked.InMessages()}. Take the payload of a handler, a ReadOnlySpan<byte> or a KinesisRecord.");
        }
    }

    private static bool IsFilter(IMethodSymbol method) =>
        method is
        {
            IsStatic: true,
            IsGenericMethod: false,
            MethodKind: MethodKind.Ordinary,
            ReturnType.SpecialType: SpecialType.System_Boolean,
            RefKind: RefKind.None,
            Parameters.Length: 1
        }
        && method.Parameters[0] is { RefKind: RefKind.None or RefKind.In, IsParams: false };
}
