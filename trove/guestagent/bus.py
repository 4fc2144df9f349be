"""The guest's end of the bus: its keys, what it lets in and how it answers."""

import json
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import oslo_messaging
from oslo_config import cfg
from oslo_log import log as logging

from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import exception, rpc, sealing
from trove.common.rpc import errors, refusals, sealed, transport
from trove.conductor import api as conductor_api
from trove.guestagent import requests
from trove.guestagent.system import files

LOG = logging.getLogger(__name__)

CALL_SECONDS = 300.0
"""A call that is older is not carried out: nobody waits for its answer any more."""
MOST_SEEN = 1024
KEPT_KEYS = 2
GRACE_SECONDS = 120.0
"""Longer than processes of the control plane remember a key (``trove.db.guest_keys``)."""
PROBE_TOPIC = 'probe'


class Keys:
    """The keys of this guest, the newest first. One that was rotated lies in the state folder."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        if not conf.instance_rpc_encr_key:
            raise exception.ConfigurationError(
                reason='instance_rpc_encr_key is not set; the control plane gives each guest a key with its '
                'configuration'
            )
        self._conf = conf
        self._lock = threading.Lock()
        self._path = os.path.join(conf.state_path, 'bus-keys.json')
        self._number: int = conf.instance_rpc_key_number
        self._keys = [self._decode(conf.instance_rpc_encr_key)]
        self._confirmed_at: float | None = None
        kept = files.read_json(self._path)
        # A server that was made anew is handed the newest key, and may find an older one on its volume.
        if kept is not None and kept['number'] >= self._number:
            self._number = kept['number']
            self._keys = [self._decode(text) for text in kept['keys']]

    def _decode(self, text: str) -> sealing.Key:
        return sealing.Key.decode(text, self._conf.guest_id)

    def all(self) -> Sequence[sealing.Key]:
        """Return all keys that are good at the moment; the first one seals."""
        return self._keys

    def newest(self) -> sealing.Key:
        """Return the key that seals."""
        return self._keys[0]

    def renew(self, request: requests.RekeyRequest) -> None:
        """Take a newer key; the one before stays good until a message comes that the new one opens."""
        key = self._decode(request.key)
        with self._lock:
            if request.number > self._number:
                self._keep(request.number, [key, *self._keys][:KEPT_KEYS])
                LOG.info('The key of the bus was rotated')

    def confirm(self, key_id: str, now: float) -> None:
        """Forget the older key some time after the control plane began to use the newest one.

        Its processes do not all learn of that at once.
        """
        with self._lock:
            if len(self._keys) < KEPT_KEYS or key_id != self._keys[0].id:
                return
            if self._confirmed_at is None:
                self._confirmed_at = now
            elif now - self._confirmed_at > GRACE_SECONDS:
                self._keep(self._number, self._keys[:1])

    def _keep(self, number: int, keys: list[sealing.Key]) -> None:
        files.write_json(self._path, {'number': number, 'keys': [key.encode() for key in keys]})
        self._number, self._keys = number, keys
        self._confirmed_at = None

    def url(self, key: sealing.Key) -> str:
        """Return the transport URL with the password that goes with a key."""
        found = oslo_messaging.TransportURL.parse(self._conf)
        hosts = [
            oslo_messaging.TransportHost(host.hostname, host.port, host.username, key.broker_password)
            for host in found.hosts
        ]
        return str(
            oslo_messaging.TransportURL(
                self._conf, found.transport, virtual_host=found.virtual_host, hosts=hosts, query=found.query
            )
        )


class Opener:
    """Lets in what the control plane sealed for this guest, once."""

    def __init__(self, conf: cfg.ConfigOpts, keys: Keys, clock: trove_clock.Clock) -> None:
        self._conf = conf
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._path = os.path.join(conf.state_path, 'bus-seen.json')
        self._seen: sealing.Seen = files.read_json(self._path) or []

    def open(self, text: object, exchange: str | None) -> trove_context.GuestContext:
        found = sealing.Sealed.read(text, transport.most_bytes())
        if found.instance_id != self._conf.guest_id:
            raise sealing.Refused('recipient')
        message = found.open(self._keys.all(), sealing.TO_GUEST)
        now = self._clock.time()
        if message.call_id is not None and message.sent < now - CALL_SECONDS:
            raise sealing.Refused('time')
        with self._lock:
            seen = sealing.admit(self._seen, message, now, self._conf.request_window_seconds, MOST_SEEN)
            # Kept before anything is done, so that an agent that starts again does it no second time.
            files.write_json(self._path, seen)
            self._seen = seen
        self._keys.confirm(found.key_id, now)
        return trove_context.GuestContext(found.instance_id, message)


class Bus:
    """Serves this guest's topic and answers calls; it can be joined anew with other keys."""

    def __init__(self, conf: cfg.ConfigOpts, clock: trove_clock.Clock | None = None) -> None:
        self._conf = conf
        self.keys = Keys(conf)
        self._opener = Opener(conf, self.keys, clock or trove_clock.Clock())
        sender = rpc.Sender(
            conf.guest_id, conf.conductor_queue, self.keys.newest, sealing.TO_CONTROL, conductor_api.VERSION
        )
        self.conductor = conductor_api.API(sender)
        self._server: sealed.Server | None = None
        self._key: sealing.Key | None = None

    def connect(self) -> None:
        """Have something to send by; nothing is sent yet."""
        transport.start(self._conf, self.keys.url(self.keys.newest()))

    def join(self, endpoint: Any) -> None:
        """Connect and serve; waits for the bus. What was served before ends. Raises ``BusError`` when it refuses us."""
        self.leave()
        self._key = self._good_key()
        # The one before is closed by this, and what the agent tells meanwhile finds one of them.
        transport.start(self._conf, self.keys.url(self._key))
        server = self.make_server(endpoint)
        server.start()
        self._server = server

    def make_server(self, endpoint: Any) -> sealed.Server:
        """Return what serves this guest's topic."""
        target = oslo_messaging.Target(
            exchange=sealed.exchange_of(self._conf.guest_id),
            topic=sealed.topic_of(self._conf.guest_id),
            server=self._conf.guest_id,
        )
        return sealed.Server(target, endpoint, self._opener, 'threading', self.run)

    def _good_key(self) -> sealing.Key:
        """Return the newest key whose password the broker takes. It changes some time after the key was rotated."""
        *newer, oldest = self.keys.all()
        return next((key for key in newer if self._is_taken(key)), oldest)

    def is_outdated(self) -> bool:
        """Return whether the broker takes a newer password than the one that was joined with."""
        newest = self.keys.newest()
        return newest is not self._key and self._is_taken(newest)

    def _is_taken(self, key: sealing.Key) -> bool:
        probe = oslo_messaging.get_rpc_transport(self._conf, url=self.keys.url(key), allowed_remote_exmods=[])
        target = oslo_messaging.Target(exchange=sealed.exchange_of(self._conf.guest_id), topic=PROBE_TOPIC)
        try:
            # It goes nowhere: nothing is bound for this topic.
            oslo_messaging.get_rpc_client(probe, target, retry=0).cast({}, PROBE_TOPIC)
        except rpc.BusError:
            return False
        finally:
            probe.cleanup()
        return True

    @property
    def is_served(self) -> bool:
        """Whether the bus was reached."""
        return self._server is not None

    def leave(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def run(self, context: trove_context.GuestContext, call: Callable[[], Any]) -> None:
        """Carry out what a message asks for, and answer if it wants an answer."""
        message = context.message
        outcome = _outcome_of(context, call)
        if message.call_id is None or message.answer_topic is None:
            if 'error' in outcome:
                LOG.warning('Request %s was not carried out: %s', message.method, outcome['message'])
            return
        try:
            self.conductor.answer(context, message.call_id, message.answer_topic, outcome)
        except rpc.BusError as error:
            LOG.warning('The answer to %s did not get out: %s', message.method, error)


def _outcome_of(context: trove_context.GuestContext, call: Callable[[], Any]) -> dict[str, Any]:
    """Return what a call led to, as it travels."""
    try:
        outcome = {'result': call()}
        if len(json.dumps(outcome)) > transport.most_bytes() // 2:
            raise exception.GuestError(reason='the answer is too large')
    except sealing.Refused as refusal:
        refusals.found.note(sealed.exchange_of(context.sender), refusal.reason)
        return errors.pack(refusal)
    except exception.TroveError as error:
        return errors.pack(error)
    return outcome
