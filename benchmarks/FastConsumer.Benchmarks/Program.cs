using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// --quick: a minute or two for all, good for ratios; without it BenchmarkDotNet takes its time. In this process either way: what
// is compared are ratios of one run, and nothing has to be built.
bool quick = args.Contains("--quick");
Job job = (quick ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
BenchmarkSwitcher
    .FromAssembly(typeof(Program).Assembly)
    .Run([.. args.Where(static argument => argument != "--quick")], DefaultConfig.Instance.AddJob(job));
