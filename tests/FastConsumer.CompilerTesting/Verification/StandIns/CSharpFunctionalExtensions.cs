// The part of CSharpFunctionalExtensions that processors of the corpus use.
namespace CSharpFunctionalExtensions
{
    public interface IResult
    {
        bool IsFailure { get; }

        bool IsSuccess { get; }
    }

    public readonly struct Result : IResult
    {
        private readonly string _error;

        private Result(string error) => _error = error;

        public bool IsFailure => _error is not null;

        public bool IsSuccess => _error is null;

        public string Error => _error;

        public static Result Success() => default;

        public static Result Failure(string error) => new(error);

        public static Result<T> Success<T>(T value) => new(value, null!);

        public static Result<T> Failure<T>(string error) => new(default!, error);
    }

    public readonly struct Result<T> : IResult
    {
        internal Result(T value, string error) => (Value, Error) = (value, error);

        public bool IsFailure => Error is not null;

        public bool IsSuccess => Error is null;

        public string Error { get; }

        public T Value { get; }
    }

    public readonly struct Maybe<T>
    {
        public bool HasValue { get; init; }

        public T Value { get; init; }
    }

    public static class ResultExtensions
    {
        public static async Task<Result> TapError(this Task<Result> resultTask, Action<string> action)
        {
            Result result = await resultTask;
            if (result.IsFailure)
            {
                action(result.Error);
            }

            return result;
        }

        public static async Task<Result> Tap(this Task<Result> resultTask, Func<Task> func)
        {
            Result result = await resultTask;
            if (result.IsSuccess)
            {
                await func();
            }

            return result;
        }

        public static async Task<K> Finally<K>(this Task<Result> resultTask, Func<Result, K> func) => func(await resultTask);
    }
}
