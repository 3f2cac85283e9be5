using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1004: every route can be reached, and leads to one method.</summary>
internal static class RouteReader
{
    public static void Check(
        AttributeData processor,
        string? routeProperty,
        IReadOnlyList<(IMethodSymbol Method, AttributeData Attribute, string? Route)> handlers,
        ShapeProblems problems,
        CancellationToken cancellationToken)
    {
        var seen = new Dictionary<string, IMethodSymbol>(StringComparer.Ordinal);
        foreach ((IMethodSymbol method, AttributeData attribute, string? route) in handlers)
        {
            if (route is null)
            {
                continue;
            }

            string? problem = null;
            if (routeProperty is null)
            {
                problem = $"The route '{route}' of '{method.Name}' is never looked at: [KinesisProcessor] names no RouteProperty. "
                    + "Set RouteProperty to the JSON property that holds it, or remove the route.";
            }
            else if (!IsText(route))
            {
                problem = $"The route of '{method.Name}' holds half of a surrogate pair, so no UTF-8 text is equal to it. Correct it.";
            }
            else if (seen.TryGetValue(route, out IMethodSymbol? other))
            {
                problem = $"The route '{route}' of '{method.Name}' leads to '{other.Name}' already. Give each method a route of its own.";
            }
            else
            {
                seen.Add(route, method);
            }

            if (problem is not null)
            {
                problems.Add(RuleIds.Route, attribute.Place("Route", cancellationToken), problem);
            }
        }

        if (routeProperty is not null && !IsText(routeProperty))
        {
            problems.Add(
                RuleIds.Route,
                processor.Place("RouteProperty", cancellationToken),
                "The route property holds half of a surrogate pair, so no JSON property has this name. Correct it.");
        }
        else if (routeProperty is not null && handlers.All(handler => handler.Route is null))
        {
            problems.Add(RuleIds.Route, processor.Place("RouteProperty", cancellationToken), $"The route property '{routeProperty}' is "
                + "never looked at: no [OnRecord] method has a Route. Add routes, or remove RouteProperty.");
        }
    }

    private static bool IsText(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}
