// The part of Sentry that processors of the corpus use.
namespace Sentry
{
    public readonly struct SentryId;

    public enum SentryLevel
    {
        Info,
        Warning,
        Error,
    }

    public static class SentrySdk
    {
        public static SentryId CaptureException(Exception exception) => default;

        public static SentryId CaptureMessage(string message, SentryLevel level = SentryLevel.Info) => default;

        public static void AddBreadcrumb(string message, string category = null)
        {
        }
    }
}
