// The part of Serilog that processors of the corpus use.
namespace Serilog
{
    public interface ILogger
    {
        void Information(string messageTemplate, params object[] propertyValues);

        void Warning(Exception exception, string messageTemplate, params object[] propertyValues);

        void Error(Exception exception, string messageTemplate, params object[] propertyValues);
    }

    public static class Log
    {
        public static ILogger Logger { get; set; }

        public static void Information(string messageTemplate, params object[] propertyValues)
        {
        }

        public static void Error(Exception exception, string messageTemplate, params object[] propertyValues)
        {
        }
    }
}
