// The part of DogStatsD-CSharp-Client that processors of the corpus use.
namespace StatsdClient
{
    public interface IDogStatsd : IDisposable
    {
        void Increment(string statName, int value = 1, double sampleRate = 1, string[] tags = null);

        void Distribution(string statName, double value, double sampleRate = 1, string[] tags = null);
    }
}
