using System.Globalization;
using FastConsumer.Package.Tests.Feed;

namespace FastConsumer.Aot.Tests.Programs;

/// <summary>What one run of a program cost: until its first record, resident then, and on disk.</summary>
/// <param name="FirstRecord">From the start of the process to the first record that was handled, in milliseconds.</param>
/// <param name="WorkingSet">Resident at that moment, in bytes.</param>
/// <param name="Size">All published files, in bytes.</param>
internal sealed record WorkerCosts(double FirstRecord, double WorkingSet, double Size)
{
    /// <param name="folder">Where the program was published.</param>
    /// <param name="line">What it said: milliseconds, and bytes of its working set.</param>
    public static WorkerCosts Read(string folder, string line)
    {
        double[] figures = [.. line.Split(' ').Select(static figure => double.Parse(figure, CultureInfo.InvariantCulture))];
        double size = new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(static file => file.Extension is not (".ndjson" or ".dbg" or ".pdb") && file.Name != "token")
            .Sum(static file => file.Length);
        return new WorkerCosts(figures[0], figures[1], size);
    }

    public static WorkerCosts Median(IReadOnlyList<WorkerCosts> runs)
    {
        double Middle(Func<WorkerCosts, double> figure) => runs.Select(figure).Order().ElementAt(runs.Count / 2);
        return new WorkerCosts(
            Middle(static run => run.FirstRecord), Middle(static run => run.WorkingSet), Middle(static run => run.Size));
    }

    public static string Compare(WorkerCosts native, WorkerCosts jit, int rounds)
    {
        const double MiB = 1024 * 1024;
        double own = native.WorkingSet / MiB;
        double other = jit.WorkingSet / MiB;
        return string.Create(CultureInfo.InvariantCulture, $"""
            worker, median of {rounds} runs in turns      native        JIT   ratio
            start to first record (ms)       {native.FirstRecord,9:F0}  {jit.FirstRecord,9:F0}  {jit.FirstRecord / native.FirstRecord,6:F1}
            working set then (MiB)           {own,9:F1}  {other,9:F1}  {other / own,6:F1}
            published, self-contained (MiB)  {native.Size / MiB,9:F1}  {jit.Size / MiB,9:F1}  {jit.Size / native.Size,6:F1}

            """);
    }

    public static async Task WriteAsync(string figures, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "aot-figures.txt"), figures, cancellationToken);
    }
}
