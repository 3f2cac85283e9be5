using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Writes the other parts of a processor's states and outputs, and what fills them for a shard.</summary>
internal sealed class StateEmitter(SourceWriter writer, PipelineModel pipeline, string processor)
{
    public const string ProcessorState = "global::FastConsumer.Processors.ProcessorState";

    private const string JsonSerializer = "global::FastConsumer.Processors.JsonStateSerializer";
    private const string JsonTypeInfo = "global::FastConsumer.Processors.PayloadReader.JsonTypeInfo";

    /// <summary>
    /// Writes the implementing parts. They bear no [GeneratedCode], which the user's parts would share: analyzers would pass them over.
    /// </summary>
    public static void EmitProperties(SourceWriter writer, ProcessorModel model)
    {
        foreach (EffectPropertyModel property in model.EffectProperties)
        {
            if (model.Pipeline is null)
            {
                // the analyzer has reported the reason as an error; without this part, the other one would be another
                writer.Open($"{property.Modifiers} {property.Type} {property.Name}");
                foreach (string accessor in new[] { property.HasGetter ? "get" : null, property.Setter }.OfType<string>())
                {
                    writer.Line($"{accessor} => throw new global::System.InvalidOperationException({Literals.Text(model.Problem!)});");
                }

                writer.Close();
            }
            else
            {
                writer.Line(ProcessorEmitter.GeneratedCode);
                writer.Line($"private {property.Type} {property.Field} = null!;");
                writer.Line();
                writer.Line($"{property.Modifiers} {property.Type} {property.Name} {{ get => {property.Field}; }}");
            }

            writer.Line();
        }
    }

    /// <summary>Writes the part of the pipeline's constructor that adds each state and each output.</summary>
    public void EmitFill()
    {
        writer.Line($"_state = new {ProcessorState}({Literals.Number(pipeline.StateVersion)});");
        for (int i = 0; i < pipeline.States.Count; i++)
        {
            EmitState(pipeline.States[i], Literals.Number(i + 1));
        }

        foreach (OutputModel output in pipeline.Outputs)
        {
            writer.Line($"processor.{output.Field} = _state.AddOutput<{output.Type}>({Literals.Text(output.Name)});");
        }
    }

    private void EmitState(StateModel state, string number)
    {
        // a serializer per older type, made once: what reads a value is called for each
        var readers = new List<(string Name, StateMigrationModel Migration)>();
        foreach (StateMigrationModel migration in state.Migrations)
        {
            string name = $"state{number}From{Literals.Number(migration.From)}";
            readers.Add((name, migration));
            writer.Line($"global::FastConsumer.IStateSerializer<{migration.Type}> {name} = "
                + $"{Serializer(migration.Type, migration.Serializer)};");
        }

        (string method, string types) = state.Kind switch
        {
            StateKind.Map => ("AddMap", $"{state.SubKey}, {state.Type}"),
            StateKind.List => ("AddList", state.Type),
            _ => ("AddState", state.Type),
        };
        string ttl = state.Ttl is { } time ? $"{Literals.Duration(time)}, // {Literals.DurationComment(time)}" : "null,";
        var arguments = new List<string> { Serializer(state.Type, state.Serializer) };
        if (state.Merge is { } merge)
        {
            string common = merge.HasNullForNone ? "hasCommon ? common : null" : "common";
            arguments.Add($"static (a, b, hasCommon, common) => {processor}.{merge.Method}(a, b, {common})");
        }
        else if (readers.Count > 0 && state.Kind != StateKind.List)
        {
            arguments.Add("null");
        }

        foreach ((string reader, StateMigrationModel migration) in readers)
        {
            string value = migration.Methods.Aggregate($"{reader}.Read(bytes)", (inner, outer) => $"{processor}.{outer}({inner})");
            arguments.Add(
                $"new global::FastConsumer.Processors.StateMigration<{state.Type}>({Literals.Number(migration.From)}, bytes => {value})");
        }

        writer.Line($"processor.{state.Field} = _state.{method}<{types}>(");
        writer.Line($"    {Literals.Text(state.Name)},");
        writer.Line($"    {ttl}");
        for (int i = 0; i < arguments.Count; i++)
        {
            writer.Line($"    {arguments[i]}{(i + 1 < arguments.Count ? "," : ");")}");
        }
    }

    private string Serializer(string type, string? own) => own is null
        ? $"new {JsonSerializer}<{type}>({JsonTypeInfo}<{type}>({pipeline.JsonContext}.Default))"
        : $"new {own}()";
}
