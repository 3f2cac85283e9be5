using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1002, the part about payloads: how a record becomes what the handler takes.</summary>
internal sealed class PayloadReader(ShapeProblems problems)
{
    /// <summary>Reads the payload of a handler per record; null where nothing can be bound to it.</summary>
    public PayloadShape? Read(IParameterSymbol parameter, ITypeSymbol type, IMethodSymbol method)
    {
        AttributeData? deserializer = parameter.FindAttribute("DeserializerAttribute") ?? type.FindAttribute("DeserializerAttribute");
        if (deserializer is not null)
        {
            return ReadDeserializer(parameter, type, method, deserializer);
        }

        PayloadKind? kind = null;
        string? reason = null;
        if (type.IsContract("KinesisRecord"))
        {
            kind = PayloadKind.Record;
        }
        else if (type.SpecialType == SpecialType.System_String)
        {
            kind = PayloadKind.Text;
        }
        else if (IsOfBytes(type, "ReadOnlyMemory"))
        {
            kind = PayloadKind.Memory;
        }
        else if (IsOfBytes(type, "ReadOnlySpan"))
        {
            kind = PayloadKind.Span;
            reason = method.IsAsync
                ? "a span cannot live across an await. Take ReadOnlyMemory<byte>, or make the method synchronous"
                : null;
        }
        else if (IsOfBytes(type, "Memory") || IsOfBytes(type, "Span")
            || type is IArrayTypeSymbol { ElementType.SpecialType: SpecialType.System_Byte })
        {
            reason =
                "a record's bytes are borrowed and read-only. Take ReadOnlyMemory<byte>, or ReadOnlySpan<byte> in a synchronous method";
        }
        else if (type.IsContract("RecordBatch"))
        {
            reason = "RecordBatch belongs to [OnBatch]. Take a KinesisRecord";
        }
        else if (NotAsItIs(type) is { } instead)
        {
            reason = instead;
        }
        else if (type.IsRefLikeType || type.TypeKind == TypeKind.Delegate || type.SpecialType == SpecialType.System_Object)
        {
            reason = $"no payload can be read as {type.InMessages()}. Take a JSON type, a protobuf message, string, ReadOnlyMemory<byte>, "
                + "ReadOnlySpan<byte> or KinesisRecord, or mark it [FromServices] if it is a service";
        }
        else if (type.Is("Google.Protobuf", "IMessage") || type.AllInterfaces.Any(candidate => candidate.Is("Google.Protobuf", "IMessage")))
        {
            kind = PayloadKind.Protobuf;
            reason = type.GetMembers("Parser")
                .Any(member => member is IPropertySymbol { IsStatic: true, DeclaredAccessibility: Accessibility.Public })
                ? null
                : $"{type.InMessages()} is a protobuf message without a static Parser. Take the class that protoc generates";
        }
        else
        {
            kind = PayloadKind.Json;
        }

        if (reason is not null)
        {
            Report(parameter, method, reason);
        }

        return reason is null && kind is not null ? new PayloadShape(parameter, kind.Value, type) : null;
    }

    /// <summary>What to take instead of a type that is near to a payload and none; null for other types.</summary>
    private static string? NotAsItIs(ITypeSymbol type)
    {
        if (type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable)
        {
            ITypeSymbol inner = nullable.TypeArguments[0];
            return inner.IsContract("KinesisRecord") || IsOfBytes(inner, "ReadOnlyMemory") || IsOfBytes(inner, "Memory")
                || inner.Is("System.Buffers", "ReadOnlySequence")
                ? $"a record is never null. Take {(inner.IsContract("KinesisRecord") ? "KinesisRecord" : "ReadOnlyMemory<byte>")}"
                : null;
        }

        if (type.Is("System.Buffers", "ReadOnlySequence"))
        {
            return "a record's bytes lie in one piece. Take ReadOnlyMemory<byte>, or ReadOnlySpan<byte> in a synchronous method";
        }

        for (ITypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            if (part.Is("System.IO", "Stream") || part.Is("System.IO", "TextReader") || part.Is("System.IO.Pipelines", "PipeReader"))
            {
                return $"a record's bytes lie in memory, so there is no {part.Name}. Take ReadOnlyMemory<byte>, "
                    + "or mark it [FromServices] if it is a service";
            }
        }

        return null;
    }

    /// <summary>Reads the payloads of a handler per batch; null where nothing can be bound to them.</summary>
    public PayloadShape? ReadBatch(IParameterSymbol parameter, IMethodSymbol method)
    {
        if (parameter.Type.IsContract("RecordBatch"))
        {
            return new PayloadShape(parameter, PayloadKind.Batch, parameter.Type);
        }

        if (IsOfBytes(parameter.Type, "ReadOnlyMemory"))
        {
            Report(parameter, method, "ReadOnlyMemory<byte> is the payload of one record. Take a RecordBatch, "
                + "or ReadOnlyMemory<ReadOnlyMemory<byte>> for the bytes of each record");
            return null;
        }

        if (parameter.Type.Is("System", "ReadOnlyMemory") && parameter.Type.OnlyTypeArgument() is { } element)
        {
            return Read(parameter, element, method);
        }

        Report(parameter, method, "a method marked [OnBatch] takes its payloads as RecordBatch or ReadOnlyMemory<T>. Change its type, "
            + "or mark it [FromServices] if it is a service");
        return null;
    }

    private PayloadShape? ReadDeserializer(IParameterSymbol parameter, ITypeSymbol type, IMethodSymbol method, AttributeData attribute)
    {
        if (attribute.FirstValue() is not INamedTypeSymbol deserializer || deserializer.IsUnboundGenericType || deserializer.IsStatic)
        {
            Report(
                parameter,
                method,
                "its [Deserializer] names no type that can be created. Name a class that implements IRecordDeserializer<T>");
            return null;
        }

        if (deserializer.FindUnknown() is { } unknown)
        {
            problems.UnknownType ??= unknown.Name;
            return null;
        }

        if (deserializer.IsFileLocal())
        {
            Report(parameter, method, $"its deserializer {deserializer.InMessages()} is local to its file, so generated code cannot name "
                + "it. Remove 'file' from it");
            return null;
        }

        INamedTypeSymbol? contract = deserializer.AllInterfaces.Concat([deserializer]).FirstOrDefault(
            candidate => candidate.IsContract("IRecordDeserializer") && candidate.OnlyTypeArgument() is { } made && Fits(made, type));
        if (contract is null)
        {
            Report(parameter, method, $"its deserializer {deserializer.InMessages()} does not implement "
                + $"IRecordDeserializer<{type.InMessages()}>. Implement it, or name another deserializer");
            return null;
        }

        if (contract.TypeArguments[0].NullableAnnotation == NullableAnnotation.Annotated
            && type.NullableAnnotation == NullableAnnotation.NotAnnotated)
        {
            Report(parameter, method, $"its deserializer {deserializer.InMessages()} may return null. Make the parameter nullable, "
                + $"or implement IRecordDeserializer<{type.InMessages()}>");
            return null;
        }

        bool isOwnMember = deserializer.TypeKind == TypeKind.Interface
            ? SymbolEqualityComparer.Default.Equals(contract, deserializer)
            : deserializer.FindImplementationForInterfaceMember(contract.GetMembers("Deserialize")[0]) is IMethodSymbol
            {
                ExplicitInterfaceImplementations.IsEmpty: true,
                DeclaredAccessibility: Accessibility.Public
            };
        return new PayloadShape(parameter, PayloadKind.Deserializer, type)
        {
            Deserializer = new DeserializerShape(
                deserializer, isOwnMember ? deserializer : contract, CanBeCreated(deserializer, method.ContainingAssembly)),
        };
    }

    private void Report(IParameterSymbol parameter, IMethodSymbol method, string reason) =>
        problems.Add(RuleIds.Handler, parameter.Place(), $"'{parameter.Name}' of '{method.InMessages()}' cannot be bound: {reason}.");

    private static bool IsOfBytes(ITypeSymbol type, string name) =>
        type.Is("System", name) && type.OnlyTypeArgument()?.SpecialType == SpecialType.System_Byte;

    private static bool Fits(ITypeSymbol made, ITypeSymbol wanted)
    {
        if (SymbolEqualityComparer.Default.Equals(made, wanted))
        {
            return true;
        }

        for (ITypeSymbol? type = made.BaseType; type is not null && made.IsReferenceType; type = type.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(type, wanted))
            {
                return true;
            }
        }

        return made.IsReferenceType && made.AllInterfaces.Any(candidate => SymbolEqualityComparer.Default.Equals(candidate, wanted));
    }

    /// <summary>True where code of this assembly can write <c>new</c> for the type, without arguments.</summary>
    internal static bool CanBeCreated(INamedTypeSymbol type, IAssemblySymbol user)
    {
        if (type.IsAbstract || type.TypeKind is not (TypeKind.Class or TypeKind.Struct))
        {
            return false;
        }

        bool sameAssembly = SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, user);
        bool requiresMembers = false;
        for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            requiresMembers |= part.GetMembers()
                .Any(member => member is IPropertySymbol { IsRequired: true } or IFieldSymbol { IsRequired: true });
        }

        return !requiresMembers && type.InstanceConstructors.Any(constructor =>
            constructor.Parameters.IsEmpty
            && (constructor.DeclaredAccessibility == Accessibility.Public
                || (sameAssembly && constructor.DeclaredAccessibility is Accessibility.Internal or Accessibility.ProtectedOrInternal)));
    }
}
