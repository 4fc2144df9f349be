"""An unreliable cloud: a process of its own that keeps servers, volumes and addresses, and the plug that asks it.

What it keeps is told by ``tests.chaos.ground``. Things are made and found by the name of their
instance, as of a cloud whose names are unique. Around that the process is as unreliable as it is
told to be: slow, broken, silent, or it does what it was asked and the answer is lost.
"""

import dataclasses
import http.client
import http.server
import json
import os
import pathlib
import pickle
import random
import socketserver
import sys
import time
from typing import Any

from tests.chaos import ground as grounds
from trove.common import exception
from trove.compute import base

NAME = 'simulated'
VARIABLE = 'TROVE_TEST_CLOUD'
"""Where the plug finds the cloud, and how long it waits for it: ``PORT,SECONDS``."""
HANG_SECONDS = 2.5
"""How much longer a call that is not answered lasts than anybody waits."""


@dataclasses.dataclass(frozen=True)
class Mood:
    """How unreliable the cloud is: shares of calls in [0, 1], and seconds by which each call is late at most."""

    broken: float = 0.0
    silent: float = 0.0
    lost: float = 0.0
    slow_seconds: float = 0.0


class Moods:
    """A file that tells the cloud its mood, as it is read by each call."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._path = folder / 'mood.json'

    def write(self, mood: Mood) -> None:
        fresh = self._path.with_suffix('.new')
        fresh.write_text(json.dumps(dataclasses.asdict(mood)), encoding='ascii')
        fresh.rename(self._path)

    def read(self) -> Mood:
        return Mood(**json.loads(self._path.read_text(encoding='ascii'))) if self._path.exists() else Mood()


# -- the plug ----------------------------------------------------------------------------


def _ask(method: str) -> Any:
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        return self.ask(method, arguments, named)

    return call


class _Client:
    """Speaks to the cloud: one connection to a call, and what may be cured by a repetition is ``ComputeBusy``."""

    def __init__(self, _conf: Any = None) -> None:
        port, seconds = os.environ[VARIABLE].split(',')
        self._port, self._seconds = int(port), float(seconds)

    def ask(self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=self._seconds)
        try:
            # Both ends are ours and live in one test.
            connection.request('POST', f'/{method}', pickle.dumps((arguments, named)))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = f'the cloud did not answer ({type(error).__name__}); wait until it does'
            raise exception.ComputeBusy(reason=reason) from error
        finally:
            connection.close()
        if answer.status == 503:
            raise exception.ComputeBusy(reason='the cloud is out of order (503); wait until it is not')
        if answer.status == 400:
            raise exception.ComputeError(reason=body.decode())
        return pickle.loads(body)


Provider = type(
    'Provider',
    (_Client, base.Provider),
    {'__module__': __name__, **{name: _ask(name) for name in base.Provider.__abstractmethods__ - {'__init__'}}},
)
"""The plug that daemons load: every call of the contract goes to the cloud as it is."""


def install(folder: pathlib.Path) -> pathlib.Path:
    """Make a distribution with the plug; return the folder that has to be on the path."""
    metadata = folder / f'{NAME}-1.dist-info'
    metadata.mkdir(parents=True)
    (metadata / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {NAME}\nVersion: 1\n')
    (metadata / 'entry_points.txt').write_text(f'[trove.compute.providers]\n{NAME} = {__name__}:Provider\n')
    return folder


# -- the process -------------------------------------------------------------------------


class _Handler(http.server.BaseHTTPRequestHandler):
    server: '_Server'

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers['Content-Length']))
        mood, draw = self.server.moods.read(), self.server.chance.random()
        time.sleep(self.server.chance.uniform(0, mood.slow_seconds))
        if draw < mood.broken:
            self._answer(503, b'')
        elif draw < mood.broken + mood.silent:
            time.sleep(self.server.ground.CALL_SECONDS + HANG_SECONDS)
        else:
            status, answer = self._carry_out(self.path.strip('/'), *pickle.loads(body))
            if draw >= mood.broken + mood.silent + mood.lost:
                self._answer(status, answer)
        self.close_connection = True

    def _carry_out(self, method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[int, bytes]:
        with self.server.ground.turn:
            try:
                return 200, pickle.dumps(getattr(self.server.provider, method)(*arguments, **named))
            except exception.ComputeError as error:
                return 400, str(error).encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        return


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def __init__(self, port: int, ground: grounds.Ground, seed: str) -> None:
        super().__init__(('127.0.0.1', port), _Handler)
        self.moods = Moods(ground.folder)
        self.chance = random.Random(seed)
        self.ground = ground
        self.provider = ground.provider()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)


if __name__ == '__main__':
    _port, _kind, _folder, _seed = sys.argv[1:]
    _Server(int(_port), grounds.GROUNDS[_kind](pathlib.Path(_folder)), _seed).serve_forever()
