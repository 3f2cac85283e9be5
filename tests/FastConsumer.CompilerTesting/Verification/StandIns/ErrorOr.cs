// The part of ErrorOr that processors of the corpus use.
namespace ErrorOr
{
    public readonly record struct Error
    {
        private Error(string code, string description) => (Code, Description) = (code, description);

        public string Code { get; }

        public string Description { get; }

        public static Error Failure(string code = "General.Failure", string description = "A failure has occurred.") =>
            new(code, description);

        public static Error Conflict(string code = "General.Conflict", string description = "A conflict has occurred.") =>
            new(code, description);
    }

    public readonly record struct Success;

    public static class Result
    {
        public static Success Success => default;
    }

    public interface IErrorOr
    {
        List<Error> Errors { get; }

        bool IsError { get; }
    }

    public readonly struct ErrorOr<TValue> : IErrorOr
    {
        private readonly TValue _value;
        private readonly List<Error> _errors;

        private ErrorOr(TValue value, List<Error> errors) => (_value, _errors) = (value, errors);

        public bool IsError => _errors is not null;

        public List<Error> Errors => _errors;

        public Error FirstError => _errors[0];

        public TValue Value => _value;

        public static implicit operator ErrorOr<TValue>(TValue value) => new(value, null!);

        public static implicit operator ErrorOr<TValue>(Error error) => new(default!, [error]);

        public TNextValue Match<TNextValue>(Func<TValue, TNextValue> onValue, Func<List<Error>, TNextValue> onError) =>
            IsError ? onError(_errors) : onValue(_value);

        public void Switch(Action<TValue> onValue, Action<List<Error>> onError)
        {
            if (IsError)
            {
                onError(_errors);
            }
            else
            {
                onValue(_value);
            }
        }
    }
}
