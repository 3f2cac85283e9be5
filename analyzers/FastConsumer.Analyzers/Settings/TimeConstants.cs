using System.Collections.Immutable;
using System.Globalization;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Settings;

/// <summary>Times as code writes them, where they are constant.</summary>
internal static class TimeConstants
{
    public static bool TryRead(IOperation? operation, out TimeSpan value)
    {
        value = default;
        double? milliseconds = operation switch
        {
            IConversionOperation conversion when TryRead(conversion.Operand, out TimeSpan inner) => inner.TotalMilliseconds,
            IInvocationOperation call when call.TargetMethod.ContainingType.Is("System", "TimeSpan") => FromCall(call),
            IObjectCreationOperation creation when creation.Type.Is("System", "TimeSpan") => FromParts(creation),
            IFieldReferenceOperation { Field: { IsStatic: true } field } when field.ContainingType.Is(
                "System", "TimeSpan") => field.Name == "Zero" ? 0 : null,
            IFieldReferenceOperation { Field: { IsStatic: true, Name: "InfiniteTimeSpan" } field }
                when field.ContainingType.Is("System.Threading", "Timeout") => -1,
            IFieldReferenceOperation or IPropertyReferenceOperation when FixedValue.Of(operation) is { } fixedValue
                && TryRead(fixedValue, out TimeSpan known) => known.TotalMilliseconds,
            IDefaultValueOperation { Type: { } type } when type.Is("System", "TimeSpan") => 0,
            _ => null,
        };
        if (milliseconds is not { } time || Math.Abs(time) > TimeSpan.MaxValue.TotalMilliseconds / 2)
        {
            return false;
        }

        value = TimeSpan.FromTicks((long)Math.Round(time * TimeSpan.TicksPerMillisecond));
        return true;
    }

    /// <summary>A number of milliseconds, or a time.</summary>
    public static bool TryReadWait(IOperation? operation, out TimeSpan value)
    {
        if (operation?.ConstantValue is { HasValue: true, Value: int milliseconds })
        {
            value = TimeSpan.FromMilliseconds(milliseconds);
            return true;
        }

        return TryRead(operation, out value);
    }

    /// <summary>The text of a TimeSpan.Parse that takes it for something else than it looks: "5" is five days.</summary>
    public static string? MisreadText(IOperation? operation) =>
        Unwrap(operation) is IInvocationOperation { TargetMethod.Name: "Parse" } call
        && call.TargetMethod.ContainingType.Is("System", "TimeSpan")
        && call.Arguments.FirstOrDefault()?.Value.ConstantValue is { HasValue: true, Value: string text }
        && !Duration.TryParse(text, out _)
            ? text
            : null;

    private static IOperation? Unwrap(IOperation? operation) =>
        operation is IConversionOperation conversion ? Unwrap(conversion.Operand) : operation;

    private static double? FromCall(IInvocationOperation call)
    {
        double? unit = call.TargetMethod.Name switch
        {
            "FromDays" => 86_400_000,
            "FromHours" => 3_600_000,
            "FromMinutes" => 60_000,
            "FromSeconds" => 1_000,
            "FromMilliseconds" => 1,
            "FromMicroseconds" => 0.001,
            "FromTicks" => 0.0001,
            _ => null,
        };
        if (unit is null)
        {
            return call.TargetMethod.Name == "Parse"
                && call.Arguments.FirstOrDefault()?.Value.ConstantValue is { HasValue: true, Value: string text }
                && Duration.TryParse(text, out TimeSpan parsed)
                    ? parsed.TotalMilliseconds
                    : null;
        }

        // further arguments are smaller units
        double sum = 0;
        double[] units = [86_400_000, 3_600_000, 60_000, 1_000, 1, 0.001];
        int next = Array.IndexOf(units, unit.Value);
        for (int i = 0; i < call.Arguments.Length; i++)
        {
            if (Number(call.Arguments[i].Value) is not { } number || (i > 0 && (next < 0 || next + i >= units.Length)))
            {
                return null;
            }

            sum += number * (i == 0 ? unit.Value : units[next + i]);
        }

        return sum;
    }

    private static double? FromParts(IObjectCreationOperation creation)
    {
        ImmutableArray<IArgumentOperation> arguments = creation.Arguments;
        double[]? units = arguments.Length switch
        {
            0 => [],
            1 => [0.0001],
            3 => [3_600_000, 60_000, 1_000],
            4 => [86_400_000, 3_600_000, 60_000, 1_000],
            5 => [86_400_000, 3_600_000, 60_000, 1_000, 1],
            6 => [86_400_000, 3_600_000, 60_000, 1_000, 1, 0.001],
            _ => null,
        };
        double sum = 0;
        for (int i = 0; units is not null && i < units.Length; i++)
        {
            if (Number(arguments[i].Value) is not { } number || arguments[i].Parameter?.Ordinal != i)
            {
                return null;
            }

            sum += number * units[i];
        }

        return units is null ? null : sum;
    }

    private static double? Number(IOperation operation) =>
        operation.ConstantValue is { HasValue: true, Value: IConvertible value } && value is not string
        ? value.ToDouble(CultureInfo.InvariantCulture)
        : null;
}
