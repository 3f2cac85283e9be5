// The part of LanguageExt.Core that processors of the corpus use.
using LanguageExt.Common;

namespace LanguageExt
{
    public readonly struct Unit
    {
        public static readonly Unit Default;
    }

    public readonly struct Either<L, R>
    {
        private readonly L _left;
        private readonly R _right;

        private Either(bool isRight, L left, R right) => (IsRight, _left, _right) = (isRight, left, right);

        public bool IsRight { get; }

        public bool IsLeft => !IsRight;

        public static implicit operator Either<L, R>(L left) => new(false, left, default!);

        public static implicit operator Either<L, R>(R right) => new(true, default!, right);

        public Ret Match<Ret>(Func<R, Ret> Right, Func<L, Ret> Left) => IsRight ? Right(_right) : Left(_left);

        public Unit IfLeft(Action<L> Left)
        {
            if (IsLeft)
            {
                Left(_left);
            }

            return default;
        }
    }

    public readonly struct Fin<A>
    {
        private readonly A _value;
        private readonly Error _error;

        private Fin(A value, Error error) => (_value, _error) = (value, error);

        public bool IsSucc => _error is null;

        public bool IsFail => _error is not null;

        public static implicit operator Fin<A>(A value) => new(value, null!);

        public static implicit operator Fin<A>(Error error) => new(default!, error);

        public B Match<B>(Func<A, B> Succ, Func<Error, B> Fail) => IsSucc ? Succ(_value) : Fail(_error);

        public A ThrowIfFail() => IsSucc ? _value : throw _error.ToException();
    }

    public readonly struct Validation<FAIL, SUCCESS>
    {
        public bool IsSuccess { get; init; }

        public bool IsFail => !IsSuccess;
    }
}

namespace LanguageExt.Common
{
    public record Error(string Message)
    {
        public static Error New(string message) => new(message);

        public Exception ToException() => new InvalidOperationException(Message);
    }

    public readonly struct Result<A>
    {
        private readonly A _value;
        private readonly Exception _exception;

        public Result(A value) => (_value, _exception) = (value, null!);

        public Result(Exception exception) => (_value, _exception) = (default!, exception);

        public bool IsSuccess => _exception is null;

        public bool IsFaulted => _exception is not null;

        public R Match<R>(Func<A, R> Succ, Func<Exception, R> Fail) => IsSuccess ? Succ(_value) : Fail(_exception);
    }
}
