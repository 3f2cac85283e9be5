using System.Runtime.InteropServices;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>The CPU time of the calling thread. Where the system is not Linux, the time that has passed, which is no less.</summary>
internal static partial class ThreadClock
{
    // CLOCK_THREAD_CPUTIME_ID of Linux
    private const int ThreadCpu = 3;

    public static TimeSpan Now
    {
        get
        {
            if (OperatingSystem.IsLinux() && GetTime(ThreadCpu, out TimeSpec time) == 0)
            {
                return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick);
            }

            return TimeProvider.System.GetElapsedTime(0);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
