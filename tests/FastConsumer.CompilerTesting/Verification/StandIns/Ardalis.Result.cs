// The part of Ardalis.Result that processors of the corpus use.
namespace Ardalis.Result
{
    public enum ResultStatus
    {
        Ok,
        Error,
        NotFound,
        Conflict,
    }

    public interface IResult
    {
        ResultStatus Status { get; }

        IEnumerable<string> Errors { get; }
    }

    public class Result<T> : IResult
    {
        public T Value { get; init; }

        public ResultStatus Status { get; init; }

        public bool IsSuccess => Status == ResultStatus.Ok;

        public IEnumerable<string> Errors { get; init; } = [];

        public static implicit operator Result<T>(T value) => new() { Value = value };
    }

    public class Result : Result<Result>
    {
        public static Result Success() => new();

        public static Result Error(string error) => new() { Status = ResultStatus.Error, Errors = [error] };

        public static Result NotFound() => new() { Status = ResultStatus.NotFound };
    }
}
