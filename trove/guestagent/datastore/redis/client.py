"""Our own connection to Redis."""

import contextlib
from typing import Any

import redis
import redis.backoff
import redis.retry

from trove.common import exception

TIMEOUT_SECONDS = 5


class Client:
    """Logs in as our own account over the engine's socket; one connection serves all."""

    def __init__(self, socket_path: str, user: str, password: str) -> None:
        self._redis: Any = redis.Redis(
            unix_socket_path=socket_path,
            username=user,
            password=password,
            socket_timeout=TIMEOUT_SECONDS,
            decode_responses=True,
            # A health check must tell of a silence at once, not hide it behind attempts.
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        )

    def forget(self) -> None:
        """Close the connection; the next question opens another."""
        with contextlib.suppress(redis.RedisError, OSError):
            self._redis.close()

    def ask(self, *command: Any) -> Any:
        """Run one command; ``GuestError`` without its text, as that may quote a secret."""
        try:
            return self._redis.execute_command(*command)
        except (redis.RedisError, OSError) as error:
            self.forget()
            reason = f'the engine refused {command[0]} ({type(error).__name__})'
            raise exception.GuestError(reason=reason) from None
