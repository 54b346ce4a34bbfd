"""What can go wrong in `api`, and the one table from an error's class to its HTTP answer.

ServiceError
├── InvalidRequestError
├── NotSignedInError
├── InvalidCredentialsError
├── ForbiddenError
├── CsrfError
├── MissingError
├── ConflictError
│   └── OutOfScopeError
├── TooLargeError
├── TooManyRequestsError
└── UnavailableError

Services raise these; they know no HTTP. A 4xx answer shows the message, a 5xx answer only the request's id.
"""

from dataclasses import dataclass


class ServiceError(Exception):
    """Base of every error that a service raises on purpose."""


class InvalidRequestError(ServiceError):
    """A parameter or a body cannot be used; `errors` names the fields."""

    def __init__(self, message: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors


class NotSignedInError(ServiceError):
    """Only an account may do that."""


class InvalidCredentialsError(ServiceError):
    """Login and password do not fit."""


class ForbiddenError(ServiceError):
    """The account's roles do not allow this."""


class CsrfError(ServiceError):
    """A change came without the session's token."""


class MissingError(ServiceError):
    """There is no such thing, or none that the reader may see."""


class ConflictError(ServiceError):
    """The thing is in a state that does not allow this: `errors` says what stands in the way, `more` what is there."""

    def __init__(
        self, message: str, errors: tuple[tuple[str, str], ...] = (), more: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.errors = errors
        self.more = more or {}


class OutOfScopeError(ConflictError):
    """What is handed over is not on the list of what is taken, or lies elsewhere; `more` has the record of it."""

    def __init__(self, message: str, *, more: dict[str, object]) -> None:
        super().__init__(message, more=more)


class TooLargeError(ServiceError):
    """The body is larger than the limit."""


class TooManyRequestsError(ServiceError):
    """Too many tries; `retry_after_s` says when to come back."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnavailableError(ServiceError):
    """The database does not answer, or a query took too long."""


@dataclass(frozen=True)
class Answer:
    """HTTP status, stable code and title of an error class."""

    status: int
    code: str
    title: str


ANSWERS: dict[type[Exception], Answer] = {
    InvalidRequestError: Answer(400, "invalid_input", "Invalid input"),
    NotSignedInError: Answer(401, "not_signed_in", "Not signed in"),
    InvalidCredentialsError: Answer(401, "invalid_credentials", "Invalid credentials"),
    ForbiddenError: Answer(403, "forbidden", "Forbidden"),
    CsrfError: Answer(403, "csrf_failed", "CSRF token missing or wrong"),
    MissingError: Answer(404, "not_found", "Not found"),
    ConflictError: Answer(409, "conflict", "Conflict"),
    OutOfScopeError: Answer(409, "out_of_scope", "Not taken"),
    TooLargeError: Answer(413, "too_large", "Too large"),
    TooManyRequestsError: Answer(429, "too_many_requests", "Too many requests"),
    UnavailableError: Answer(503, "unavailable", "Unavailable"),
}
