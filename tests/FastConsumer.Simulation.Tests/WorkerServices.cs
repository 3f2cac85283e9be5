using FastConsumer.Hosting;
using FastConsumer.Simulation.Tests.Sink;
using FastConsumer.Simulation.Tests.State;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Simulation.Tests;

/// <summary>As much of dependency injection as a processor needs; the real one compiles its factories on the thread pool.</summary>
internal sealed class WorkerServices(
    SimulatedHandler handler,
    IDeadLetterSink? deadLetters = null,
    SinkHandler? sinkHandler = null,
    SimulatedPositionStore? positions = null,
    StateHandler? stateHandler = null)
    : IServiceProvider, IServiceScopeFactory, IServiceScope
{
    public IServiceProvider ServiceProvider => this;

    public static ProcessorRegistration RegistrationOf(ProcessorKind kind) => kind switch
    {
        ProcessorKind.Records => new ProcessorRegistration<RecordProcessor>(),
        ProcessorKind.Lanes => new ProcessorRegistration<LaneProcessor>(),
        ProcessorKind.SinkRecords => new ProcessorRegistration<SinkRecordProcessor>(),
        ProcessorKind.StateRecords => new ProcessorRegistration<StateProcessor>(),
        ProcessorKind.StateLanes => new ProcessorRegistration<StateLaneProcessor>(),
        ProcessorKind.StateBatches => new ProcessorRegistration<StateBatchProcessor>(),
        ProcessorKind.OutputRecords => new ProcessorRegistration<OutputProcessor>(),
        ProcessorKind.OutputLanes => new ProcessorRegistration<OutputLaneProcessor>(),
        ProcessorKind.OutputBatches => new ProcessorRegistration<OutputBatchProcessor>(),
        ProcessorKind.SinkBatches => new ProcessorRegistration<SinkBatchProcessor>(),
        _ => new ProcessorRegistration<BatchProcessor>(),
    };

    public IServiceScope CreateScope() => this;

    public void Dispose()
    {
        // nothing here needs it
    }

    public object? GetService(Type serviceType) =>
        serviceType == typeof(IServiceScopeFactory) ? this
        : serviceType == typeof(RecordProcessor) ? new RecordProcessor(handler)
        : serviceType == typeof(LaneProcessor) ? new LaneProcessor(handler)
        : serviceType == typeof(UnorderedProcessor) ? new UnorderedProcessor(handler)
        : serviceType == typeof(BatchProcessor) ? new BatchProcessor(handler)
        : serviceType == typeof(SinkRecordProcessor) ? new SinkRecordProcessor(sinkHandler!)
        : serviceType == typeof(SinkBatchProcessor) ? new SinkBatchProcessor(sinkHandler!)
        : serviceType == typeof(StateProcessor) ? new StateProcessor(stateHandler!)
        : serviceType == typeof(StateLaneProcessor) ? new StateLaneProcessor(stateHandler!)
        : serviceType == typeof(StateBatchProcessor) ? new StateBatchProcessor(stateHandler!)
        : serviceType == typeof(OutputProcessor) ? new OutputProcessor(stateHandler!)
        : serviceType == typeof(OutputLaneProcessor) ? new OutputLaneProcessor(stateHandler!)
        : serviceType == typeof(OutputBatchProcessor) ? new OutputBatchProcessor(stateHandler!)
        : serviceType == typeof(IPositionStore<SinkTransaction>) ? positions
        : serviceType == typeof(IDeadLetterSink) ? deadLetters
        : null;
}

/// <summary>The shape of the users' code.</summary>
internal enum ProcessorKind
{
    Records,
    Lanes,
    Batches,

    /// <summary>Record by record, with the position in the sink.</summary>
    SinkRecords,

    /// <summary>In batches, with the position in the sink.</summary>
    SinkBatches,

    /// <summary>Record by record, with state.</summary>
    StateRecords,

    /// <summary>In lanes, with state.</summary>
    StateLanes,

    /// <summary>In batches, with state.</summary>
    StateBatches,

    /// <summary>Record by record, with state and an output.</summary>
    OutputRecords,

    /// <summary>In lanes, with state and an output.</summary>
    OutputLanes,

    /// <summary>In batches, with state and an output.</summary>
    OutputBatches,
}
