using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>Writes how a batch is collected and handed over.</summary>
internal sealed class BatchEmitter(SourceWriter writer, HandlerModel handler, CallEmitter calls)
{
    private const string ValueTask = "global::System.Threading.Tasks.ValueTask";

    public void Emit()
    {
        bool takesRecords = handler.Payload.Kind == PayloadKind.Batch;
        writer.Line();
        writer.Line("/// <inheritdoc/>");
        writer.Open("public override void Collect(global::FastConsumer.Processors.RecordCursor cursor)");
        writer.Open("while (cursor.MoveNext() && Fits(cursor))");
        writer.Line(takesRecords ? "Add(cursor);" : $"Add(cursor, {calls.Read(handler.Payload)});");
        writer.Close();
        writer.Close();

        string call = calls.Call(handler.Method, handler.Arguments, takesRecords ? "Records" : "Payloads", "context");
        writer.Line();
        writer.Line("/// <inheritdoc/>");
        writer.Open($"public override {(handler.HasServices ? "async " : "")}{ValueTask} InvokeAsync(global::FastConsumer.BatchContext context, global::System.Threading.CancellationToken cancellationToken)");
        if (handler.HasServices)
        {
            calls.InScope(handler.Method, handler.Arguments, call);
        }
        else
        {
            calls.Return(handler.Method, call);
        }

        writer.Close();
    }
}
