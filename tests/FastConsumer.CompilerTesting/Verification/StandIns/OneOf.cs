// The part of OneOf that processors of the corpus use.
namespace OneOf
{
    public interface IOneOf
    {
        object Value { get; }

        int Index { get; }
    }

    public readonly struct OneOf<T0, T1> : IOneOf
    {
        private readonly T0 _value0;
        private readonly T1 _value1;

        private OneOf(int index, T0 value0 = default!, T1 value1 = default!) => (Index, _value0, _value1) = (index, value0, value1);

        public object Value => Index == 0 ? _value0 : _value1;

        public int Index { get; }

        public bool IsT0 => Index == 0;

        public bool IsT1 => Index == 1;

        public T0 AsT0 => _value0;

        public T1 AsT1 => _value1;

        public static implicit operator OneOf<T0, T1>(T0 t) => new(0, value0: t);

        public static implicit operator OneOf<T0, T1>(T1 t) => new(1, value1: t);

        public void Switch(Action<T0> f0, Action<T1> f1)
        {
            if (Index == 0)
            {
                f0(_value0);
            }
            else
            {
                f1(_value1);
            }
        }

        public TResult Match<TResult>(Func<T0, TResult> f0, Func<T1, TResult> f1) => Index == 0 ? f0(_value0) : f1(_value1);

        public bool TryPickT0(out T0 value, out T1 remainder)
        {
            value = _value0;
            remainder = _value1;
            return Index == 0;
        }
    }
}

namespace OneOf.Types
{
    public struct Success;

    public struct Error<T>(T value)
    {
        public T Value { get; } = value;
    }

    public struct NotFound;
}
