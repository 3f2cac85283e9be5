using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1006: the error rules of a method, a class or an assembly stand in one order, and each can be reached.</summary>
internal sealed class ErrorRuleReader(ShapeProblems problems, CancellationToken cancellationToken)
{
    private const int Retry = 0;
    private const int DeadLetter = 2;
    private const int Stop = 3;
    private const int StopHost = 4;

    private static readonly string[] s_ofRetry = ["MaxAttempts", "InitialBackoff", "MaxBackoff", "Then"];
    private static readonly string[] s_actions = ["Retry", "Skip", "DeadLetter", "Stop", "StopHost"];

    /// <summary>Reads the rules in the order of the source; those that are broken are left out.</summary>
    public EquatableArray<ErrorRuleModel> Read(ISymbol owner)
    {
        problems.IsShared = owner is IAssemblySymbol;
        var rules = new List<ErrorRuleModel>();
        var earlier = new List<INamedTypeSymbol>();
        AttributeData? first = null;
        foreach (AttributeData attribute in owner.GetAttributes())
        {
            if (!attribute.AttributeClass.IsContract("OnErrorAttribute") || attribute.ConstructorArguments.Length != 2)
            {
                continue;
            }

            if (IsElsewhere(attribute, first ??= attribute))
            {
                Report(attribute, null, owner is IAssemblySymbol
                    ? "The assembly's error rules stand in two files, so no order decides between them. Put all of them into one file."
                    : $"The error rules of '{owner.InMessages()}' stand on two of its parts, so no order decides between them. "
                        + "Put all of them on one part.");
            }

            if (attribute.ConstructorArguments[0].Value is ITypeSymbol unresolved and not INamedTypeSymbol { IsUnboundGenericType: true }
                && unresolved.FindUnknown() is { } unknown)
            {
                problems.UnknownType ??= unknown.Name;
                continue;
            }

            if (attribute.ConstructorArguments[0].Value is not INamedTypeSymbol { IsUnboundGenericType: false } type
                || !Inherits(type, "Exception") || type.IsFileLocal())
            {
                Report(
                    attribute,
                    SymbolNames.FirstArgument,
                    $"'{(attribute.ConstructorArguments[0].Value as ISymbol)?.InMessages() ?? "null"}' is no exception that generated code "
                        + "can test for. Name a class derived from Exception that is neither an open generic type nor local to its file.");
                continue;
            }

            if (earlier.FirstOrDefault(candidate => IsOrInherits(type, candidate)) is { } hiding)
            {
                Report(attribute, null, $"The rule for '{type.InMessages()}' is never reached: the one for '{hiding.InMessages()}' before "
                    + "it takes the same exceptions. Put the narrower one first, or remove it.");
            }

            earlier.Add(type);
            if (ReadRule(attribute, type) is { } rule)
            {
                rules.Add(rule);
            }
        }

        problems.IsShared = false;
        return rules.ToEquatableArray();
    }

    private ErrorRuleModel? ReadRule(AttributeData attribute, INamedTypeSymbol type)
    {
        int action = attribute.ConstructorArguments[1].Value as int? ?? -1;
        int then = attribute.Value("Then") as int? ?? Stop;
        int maxAttempts = attribute.Value("MaxAttempts") as int? ?? 0;
        if (action is < Retry or > StopHost || then is < Retry or > StopHost)
        {
            problems.Add(RuleIds.Value, attribute.Place("Then", cancellationToken),
                "The action is none of Retry, Skip, DeadLetter, Stop and StopHost. Name one of them.");
            return null;
        }

        if (action != Retry && s_ofRetry.FirstOrDefault(name => Has(attribute, name)) is { } useless)
        {
            Report(attribute, useless, $"{useless} belongs to ErrorAction.Retry; with {s_actions[action]} nothing is tried again. "
                + $"Remove it, or write ErrorAction.Retry with Then = ErrorAction.{s_actions[action]}.");
        }
        else if (then == Retry)
        {
            Report(attribute, "Then",
                "After the last attempt there is no other. Set Then to DeadLetter, Skip, Stop or StopHost, or leave out MaxAttempts to "
                    + "try for ever.");
        }
        else if (Has(attribute, "Then") && maxAttempts == 0)
        {
            Report(
                attribute,
                "Then",
                "Then is never reached: without MaxAttempts the record is tried for ever. Set MaxAttempts, or remove Then.");
        }

        if (maxAttempts < 0)
        {
            problems.Add(
                RuleIds.Value,
                attribute.Place("MaxAttempts", cancellationToken),
                $"MaxAttempts is {maxAttempts}; the least is 0, for no bound. Raise it, or leave it out.");
        }

        TimeSpan? initial = ReadWait(attribute, "InitialBackoff");
        TimeSpan? maximum = ReadWait(attribute, "MaxBackoff");
        if (initial > maximum)
        {
            problems.Add(
                RuleIds.Value,
                attribute.Place("MaxBackoff", cancellationToken),
                "MaxBackoff is less than InitialBackoff. Raise it, or leave it out.");
        }

        TimeSpan? timeout = ReadWait(attribute, "Timeout");
        if (timeout is not null && !IsTimeoutOrBase(type))
        {
            Report(attribute, "Timeout", "A call that takes too long fails with a TimeoutException, which the rule for "
                + $"'{type.InMessages()}' does not take. Put Timeout on a rule for TimeoutException.");
        }

        return new ErrorRuleModel(
            type.InCodeNotNull(),
            type.Is("System", "Exception"),
            s_actions[action],
            maxAttempts,
            initial,
            maximum,
            s_actions[then],
            timeout,
            action == DeadLetter || (action == Retry && then == DeadLetter));
    }

    private TimeSpan? ReadWait(AttributeData attribute, string name)
    {
        if (attribute.Value(name) is not string text)
        {
            return null;
        }

        if (!Duration.TryParse(text, out TimeSpan value))
        {
            problems.Add(
                RuleIds.Value,
                attribute.Place(name, cancellationToken),
                $"{name} is \"{text}\", which is no duration. Write it as {Duration.Form}.");
            return null;
        }

        if (value == TimeSpan.Zero || value > TimeSpan.FromDays(1))
        {
            problems.Add(
                RuleIds.Value,
                attribute.Place(name, cancellationToken),
                $"{name} is \"{text}\"; allowed is more than zero to 1.00:00:00. Correct it, or leave it out.");
        }

        return value;
    }

    private bool IsElsewhere(AttributeData attribute, AttributeData first)
    {
        SyntaxNode? place = attribute.ApplicationSyntaxReference?.GetSyntax(cancellationToken);
        SyntaxNode? before = first.ApplicationSyntaxReference?.GetSyntax(cancellationToken);
        // attribute, its list, the declaration
        return place is not null && before is not null && place.Parent?.Parent != before.Parent?.Parent;
    }

    private void Report(AttributeData attribute, string? argument, string message) =>
        problems.Add(RuleIds.ErrorRules, attribute.Place(argument ?? "(none)", cancellationToken), message);

    private static bool Has(AttributeData attribute, string name) => attribute.NamedArguments.Any(argument => argument.Key == name);

    private static bool IsOrInherits(INamedTypeSymbol type, INamedTypeSymbol ancestor)
    {
        for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(part, ancestor))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Inherits(INamedTypeSymbol type, string name)
    {
        for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            if (part.Is("System", name))
            {
                return true;
            }
        }

        return false;
    }

    // TimeoutException : SystemException : Exception
    private static bool IsTimeoutOrBase(INamedTypeSymbol type) =>
        type.Is("System", "TimeoutException") || type.Is("System", "SystemException") || type.Is("System", "Exception");
}
