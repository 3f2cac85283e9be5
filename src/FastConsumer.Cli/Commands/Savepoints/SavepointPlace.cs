using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using FastConsumer.Checkpoints;
using FastConsumer.Cli.Commands.State;
using FastConsumer.Cli.Output;
using FastConsumer.Savepoints;

namespace FastConsumer.Cli.Commands.Savepoints;

/// <summary>The savepoints of an application, where the command line says that its state is.</summary>
internal sealed class SavepointPlace : IDisposable
{
    private readonly ICheckpointStore _checkpoints;

    private SavepointPlace(ToolContext context)
    {
        _checkpoints = StatePlace.Open(context);
        Savepoints = new SavepointStore(
            _checkpoints, context.Fleet.Application, new Random(RandomNumberGenerator.GetInt32(int.MaxValue)), context.Time);
    }

    /// <summary>The savepoint that is meant.</summary>
    public static Argument<string> Name { get; } = new("name") { Description = "The savepoint's name." };

    public SavepointStore Savepoints { get; }

    public string Description => _checkpoints.Description;

    /// <exception cref="ToolException">What is meant was not said, or makes no sense.</exception>
    public static SavepointPlace Open(ToolContext context) => new(context);

    /// <exception cref="ToolException">It makes no sense.</exception>
    public static string NameOf(ToolContext context) => context.Arguments.GetValue(Name) switch
    {
        { } name when string.IsNullOrWhiteSpace(name) => throw ToolException.Usage(
            "Which savepoint is meant? Its name has 1 character or more."),
        { Length: > SavepointStore.MaxNameLength } name => throw ToolException.Usage(
            $"'{name}' has {name.Length} characters, and the name of a savepoint has {SavepointStore.MaxNameLength} at most."),
        { } name => name,
        null => throw ToolException.Usage("Which savepoint is meant?"),
    };

    /// <summary>The savepoint that was named.</summary>
    /// <exception cref="ToolException">There is none.</exception>
    public async Task<Savepoint> RequireAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string name = NameOf(context);
        return await Savepoints.FindAsync(name, cancellationToken) ?? throw ThereIsNone(context, name);
    }

    public ToolException ThereIsNone(ToolContext context, string name) => new(
        ExitCodes.Failure,
        $"There is no savepoint '{name}' of application '{context.Fleet.Application}' in {Description}. 'savepoint list' lists them.");

    public void Dispose() => (_checkpoints as IDisposable)?.Dispose();

    /// <summary>Says on standard error how far a copy is: at most once a second, and at its end.</summary>
    public static IProgress<SavepointProgress> ProgressTo(ToolContext context) => new Lines(context);

    private sealed class Lines(ToolContext context) : IProgress<SavepointProgress>
    {
        private readonly Lock _lock = new();
        private readonly long _begun = context.Time.GetTimestamp();
        private TimeSpan _told;

        public void Report(SavepointProgress value)
        {
            lock (_lock)
            {
                TimeSpan now = context.Time.GetElapsedTime(_begun);
                if (value.Snapshots < value.Of && now - _told < TimeSpan.FromSeconds(1))
                {
                    return;
                }

                _told = now;
                context.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{value.Snapshots} of {value.Of} snapshots copied, {Words.Bytes(value.Bytes)}"));
            }
        }
    }
}
