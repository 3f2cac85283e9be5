using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using FastConsumer.Benchmarks.Editor;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// editor: what a keystroke costs, in turns and as medians, for machines that are busy
if (args is ["editor", ..])
{
    new EditorCommand(
        processors: 100, rounds: args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 15).Run();
    return;
}

// analyzer-share: what part of the analyzers' time in a build is FastConsumer's, by the compiler's own measure
if (args is ["analyzer-share", ..])
{
    int Number(int index, int otherwise) =>
        args.Length > index ? int.Parse(args[index], System.Globalization.CultureInfo.InvariantCulture) : otherwise;
    new AnalyzerShareCommand(processors: Number(1, 500), rounds: Number(2, 3)).Run();
    return;
}

// --quick: a minute or two for all, good for ratios; without it BenchmarkDotNet takes its time. In this process either way: what
// is compared are ratios of one run, and nothing has to be built.
bool quick = args.Contains("--quick");
Job job = (quick ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
BenchmarkSwitcher
    .FromAssembly(typeof(Program).Assembly)
    .Run([.. args.Where(static argument => argument != "--quick")], DefaultConfig.Instance.AddJob(job));
