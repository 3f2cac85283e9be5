using System.Security.Cryptography;

namespace FastConsumer.Hosting;

/// <summary>Where all chance of a host comes from. A test registers one with a seed, and the same run replays.</summary>
internal sealed class RandomSource
{
    private readonly Random _seeds;
    private readonly Lock _lock = new();

    public RandomSource()
        : this(RandomNumberGenerator.GetInt32(int.MaxValue))
    {
    }

    public RandomSource(int seed) => _seeds = new Random(seed);

    /// <summary>A generator of its own for one part, which need not be thread-safe.</summary>
    public Random Create()
    {
        lock (_lock)
        {
            return new Random(_seeds.Next());
        }
    }
}
