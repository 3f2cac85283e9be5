using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Writes how a batch is collected and handed over.</summary>
internal sealed class BatchEmitter(SourceWriter writer, PipelineModel pipeline, CallEmitter calls)
{
    private const string ValueTask = "global::System.Threading.Tasks.ValueTask";

    public void Emit()
    {
        HandlerModel handler = pipeline.Handlers[0];
        bool takesRecords = handler.Payload.Kind == PayloadKind.Batch;
        writer.Line();
        writer.Line("/// <inheritdoc/>");
        writer.Open("public override void Collect(global::FastConsumer.Processors.RecordCursor cursor)");
        if (takesRecords && pipeline.Filter is null)
        {
            writer.Line("AddWhileFits(cursor);");
        }
        else
        {
            EmitLoop(handler, takesRecords);
        }

        writer.Close();
        EmitCall(handler, takesRecords);
    }

    private void EmitLoop(HandlerModel handler, bool takesRecords)
    {
        writer.Open("while (cursor.MoveNext() && Fits(cursor))");
        if (pipeline.Filter is { } filter)
        {
            EmitFilter(calls.Filter(filter));
        }

        if (handler.Filter is { } method)
        {
            writer.Line($"{handler.Payload.Type} payload = {calls.Read(handler.Payload)};");
            EmitFilter(calls.Filter(method, "payload"));
        }

        writer.Line(takesRecords ? "Add(cursor);" : $"Add(cursor, {(handler.Filter is null ? calls.Read(handler.Payload) : "payload")});");
        writer.Close();
    }

    private void EmitCall(HandlerModel handler, bool takesRecords)
    {
        if (handler.Timeout is { } timeout)
        {
            writer.Line();
            writer.Line("/// <inheritdoc/>");
            writer.Line($"public override global::System.TimeSpan? Timeout => {Literals.Duration(timeout)}; "
                + $"// {Literals.DurationComment(timeout)}");
        }

        string call = calls.Call(handler.Method, handler.Arguments, takesRecords ? "Records" : "Payloads", "context");
        writer.Line();
        writer.Line("/// <inheritdoc/>");
        TransactionCall? transaction = handler.TransactionType is null ? null : new TransactionCall("this", "cancellationToken");
        bool isAsync = handler.HasServices || transaction is not null;
        writer.Open($"public override {(isAsync ? "async " : "")}{ValueTask} InvokeAsync(global::FastConsumer.BatchContext "
            + "context, global::System.Threading.CancellationToken cancellationToken)");
        if (handler.HasServices)
        {
            calls.InScope(handler.Method, handler.Arguments, call, transaction);
        }
        else if (transaction is not null)
        {
            calls.Await(handler.Method, call, transaction);
        }
        else
        {
            calls.Return(handler.Method, call);
        }

        writer.Close();
    }

    private void EmitFilter(string call)
    {
        writer.Open($"if (!{call})");
        writer.Line("LeaveOut(cursor);");
        writer.Line("continue;");
        writer.Close();
        writer.Line();
    }
}
