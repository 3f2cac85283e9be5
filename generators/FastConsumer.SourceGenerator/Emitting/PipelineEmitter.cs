using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Writes the nested class that a shard's records go through: its definition, fields, constructor and life cycle.</summary>
internal sealed class PipelineEmitter(SourceWriter writer, PipelineModel pipeline, string processor)
{
    private const string DependencyInjection = "global::Microsoft.Extensions.DependencyInjection";
    private const string JsonTypeInfo = "global::System.Text.Json.Serialization.Metadata.JsonTypeInfo";

    private readonly FieldNames _fields = new(pipeline.Handlers);

    public void Emit()
    {
        writer.Line($"/// <summary>The way of one shard's records to the methods of {pipeline.ProcessorName}.</summary>");
        writer.Line(ProcessorEmitter.GeneratedCode);
        writer.Open($"private sealed class {pipeline.ClassName} : {BaseType()}");
        EmitDefinition();
        writer.Line();
        var rules = new ErrorRuleEmitter(writer, pipeline);
        rules.EmitFields();
        EmitFields();
        writer.Line();
        EmitConstructor();
        var calls = new CallEmitter(writer, _fields, processor);
        if (pipeline.Batch is null)
        {
            new RecordEmitter(writer, pipeline, calls).Emit();
        }
        else
        {
            new BatchEmitter(writer, pipeline, calls).Emit();
        }

        rules.EmitChoice();
        foreach (LifeCycleModel stage in pipeline.LifeCycle)
        {
            EmitLifeCycle(stage, calls);
        }

        writer.Close();
    }

    private string BaseType()
    {
        if (pipeline.Batch is null)
        {
            return "global::FastConsumer.Processors.RecordPipeline";
        }

        PayloadModel payload = pipeline.Handlers[0].Payload;
        return payload.Kind == PayloadKind.Batch
            ? "global::FastConsumer.Processors.BatchPipeline"
            : $"global::FastConsumer.Processors.BatchPipeline<{payload.ElementType}>";
    }

    private void EmitDefinition()
    {
        writer.Open($"internal static readonly global::FastConsumer.Processors.ProcessorDefinition<{processor}> Definition = new()");
        writer.Line($"Name = {Literals.Text(pipeline.ProcessorName)},");
        writer.Line($"Stream = {Literals.Text(pipeline.Stream)},");
        if (pipeline.Checkpoint is { } checkpoint)
        {
            writer.Line(
                $"CheckpointInterval = {Literals.Duration(checkpoint.Interval)}, // {Literals.DurationComment(checkpoint.Interval)}");
            writer.Line($"CheckpointRecords = {Literals.Number(checkpoint.Records)},");
        }

        if (pipeline.Concurrency is { } concurrency)
        {
            writer.Line($"Lanes = {Literals.Number(concurrency.Lanes)},");
            writer.Line($"Order = global::FastConsumer.RecordOrder.{concurrency.Order},");
        }

        if (pipeline.UsesDeadLetters)
        {
            writer.Line("UsesDeadLetters = true,");
        }

        if (pipeline.HasEffects)
        {
            writer.Line($"StateVersion = {Literals.Number(pipeline.StateVersion)},");
        }

        EmitServices();
        if (pipeline.TransactionType is { } transaction)
        {
            writer.Line($"TransactionType = typeof({transaction}),");
            writer.Line($"FindPositionStore = static services => ({PositionStore}?)services.GetService(typeof({PositionStore})),");
        }

        writer.Line($"CreatePipeline = static (processor, services) => new {pipeline.ClassName}(processor, services),");
        writer.Close("};");
    }

    /// <summary>The services that the handlers take, for the check at start.</summary>
    private void EmitServices()
    {
        if (!HasServices())
        {
            return;
        }

        const string Service = "global::FastConsumer.Processors.ProcessorService";
        writer.Open($"Services = new {Service}[]");
        foreach (HandlerModel handler in pipeline.Handlers)
        {
            foreach (ArgumentModel argument in handler.Arguments.Where(argument => argument.IsService))
            {
                string method = Literals.Text(handler.Method.Name.TrimStart('@'));
                string key = argument.Key is null ? "" : $"Key = {argument.Key}";
                string optional = argument.Kind == ArgumentKind.OptionalService ? "IsRequired = false" : "";
                string more = string.Join(", ", new[] { key, optional }.Where(part => part.Length > 0));
                writer.Line(
                    $"new {Service}(typeof({argument.Type}), {method}, "
                        + $"{Literals.Text(argument.Name!)}){(more.Length > 0 ? $" {{ {more} }}" : "")},");
            }
        }

        writer.Close("},");
    }

    private string PositionStore => $"global::FastConsumer.IPositionStore<{pipeline.TransactionType}>";

    private string Transactions => $"global::FastConsumer.Processors.SinkTransactions<{pipeline.TransactionType}>";

    private void EmitFields()
    {
        writer.Line($"private readonly {processor} _processor;");
        if (pipeline.TransactionType is not null)
        {
            writer.Line($"private readonly {Transactions} _transactions;");
        }

        if (pipeline.HasEffects)
        {
            writer.Line($"private readonly {StateEmitter.ProcessorState} _state;");
        }

        foreach (PayloadModel json in _fields.Json)
        {
            writer.Line($"private readonly {JsonTypeInfo}<{json.Type}> {_fields.Of(json)};");
        }

        foreach (DeserializerModel deserializer in _fields.Deserializers)
        {
            writer.Line($"private readonly {deserializer.CallType} {_fields.Of(deserializer)};");
        }

        if (HasServices())
        {
            writer.Line($"private readonly {DependencyInjection}.IServiceScopeFactory _scopes;");
        }
    }

    private void EmitConstructor()
    {
        writer.Line($"internal {pipeline.ClassName}({processor} processor, global::System.IServiceProvider services)");
        if (pipeline.Batch is { } batch)
        {
            writer.Line($"    : base(new global::FastConsumer.Processors.BatchLimits({Literals.Number(batch.MaxRecords)}, "
                + $"{Literals.Number(batch.MaxBytes)}, {Literals.Duration(batch.MaxWait)})) // waits "
                + $"{Literals.DurationComment(batch.MaxWait)}");
        }

        writer.Open();
        writer.Line("_processor = processor;");
        if (pipeline.TransactionType is not null)
        {
            writer.Line($"_transactions = new {Transactions}(({PositionStore}?)services.GetService(typeof({PositionStore})));");
        }

        foreach (PayloadModel json in _fields.Json)
        {
            writer.Line($"{_fields.Of(json)} = "
                + $"global::FastConsumer.Processors.PayloadReader.JsonTypeInfo<{json.Type}>({pipeline.JsonContext}.Default);");
        }

        foreach (DeserializerModel deserializer in _fields.Deserializers)
        {
            string problem =
                $"{deserializer.ShortName} is not registered as a service, and it has no parameterless constructor. Register it.";
            string missing = deserializer.CanBeCreated
                ? $"new {deserializer.Type}()"
                : $"throw new global::System.InvalidOperationException({Literals.Text(problem)})";
            writer.Line($"{_fields.Of(deserializer)} = services.GetService(typeof({deserializer.Type})) is {deserializer.Type} "
                + $"{Variable(deserializer)} ? {Variable(deserializer)} : {missing};");
        }

        if (pipeline.HasEffects)
        {
            new StateEmitter(writer, pipeline, processor).EmitFill();
        }

        if (HasServices())
        {
            string factory = $"{DependencyInjection}.IServiceScopeFactory";
            writer.Line($"_scopes = {DependencyInjection}.ServiceProviderServiceExtensions.GetRequiredService<{factory}>(services);");
        }

        writer.Close();
        if (pipeline.TransactionType is not null)
        {
            writer.Line();
            writer.Line("/// <inheritdoc/>");
            writer.Line("public override global::FastConsumer.Processors.SinkTransactions? Transactions => _transactions;");
        }

        if (pipeline.HasEffects)
        {
            writer.Line();
            writer.Line("/// <inheritdoc/>");
            writer.Line($"public override {StateEmitter.ProcessorState}? State => _state;");
        }

        string Variable(DeserializerModel deserializer) => _fields.Of(deserializer).TrimStart('_');
    }

    private void EmitLifeCycle(LifeCycleModel stage, CallEmitter calls)
    {
        writer.Line();
        writer.Line("/// <inheritdoc/>");
        writer.Open($"public override global::System.Threading.Tasks.ValueTask {stage.Kind}Async(global::FastConsumer.ShardContext "
            + "context, global::System.Threading.CancellationToken cancellationToken)");
        calls.Return(stage.Method, calls.Call(stage.Method, stage.Arguments, payload: "", context: "context"));
        writer.Close();
    }

    private bool HasServices() => pipeline.Handlers.Any(handler => handler.HasServices);
}
