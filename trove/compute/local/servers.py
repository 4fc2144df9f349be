"""Servers: what is wanted of them, by their records, and what is done to their machines."""

import dataclasses
import logging
import os
from typing import Any

from trove.common import clock, exception, states
from trove.compute import base
from trove.compute.local import (
    addresses,
    home,
    listeners,
    machine,
    power,
    processes,
    records,
    settings,
    volumes,
)

LOG = logging.getLogger(__name__)

NETWORK = 'loopback'
START_WAIT_SECONDS = 3.0
# What comes back at once need not be given the time that a stop is given.
RESTART_PATIENCE_SECONDS = 20.0
RESTART_LIMIT_SECONDS = 30.0
# States of a record in which the server is on its way down.
_ENDING = (records.STOPPED, records.DELETING, *records.PASSING)
_PASSING_STATUSES = {
    records.REBOOTING: states.ServerStatus.REBOOT,
    records.RESIZING: states.ServerStatus.RESIZE,
    records.REVERTING: states.ServerStatus.REVERT_RESIZE,
    records.REBUILDING: states.ServerStatus.REBUILD,
}


class Servers:
    """Brings machines up and ends them, so that they follow the records in the instances' folders."""

    def __init__(
        self,
        chosen: settings.Settings,
        book: addresses.AddressBook,
        backends: volumes.Backends,
        time_source: clock.Clock,
    ) -> None:
        self._settings = chosen
        self._book = book
        self._backends = backends
        self._clock = time_source

    def require(self, place: home.Home) -> records.ServerRecord:
        """Return the record of a server; ``ComputeError`` when there is none."""
        record = records.load(place.folder)
        if record is None:
            raise exception.ComputeError(reason=f'there is no server of instance {place.instance_id}')
        return record

    def want(self, place: home.Home, wanted: str, **changes: Any) -> records.ServerRecord:
        """Write down what a server ought to be from now on; nothing but gone once it is being deleted.

        ``changes`` are more fields of its record.
        """
        before = self.require(place)
        if before.power == records.DELETING:
            raise exception.ComputeError(reason=f'the server of instance {place.instance_id} is being deleted')
        since = self._clock.time() if wanted in _ENDING else None
        record = dataclasses.replace(before, power=wanted, stopping_since=since, **changes)
        records.save(place.folder, record)
        return record

    def lay_out(self, place: home.Home, request: base.ServerRequest) -> records.ServerRecord:
        """Write all that the machine needs; the record comes last and makes it a server."""
        user = self._settings.user()
        place.make(user)
        place.write_guest_files(request.guest_files, user)
        record = records.of_request(request)
        records.save(place.folder, record)
        return record

    def lay_out_anew(self, place: home.Home, request: base.ServerRequest) -> None:
        """Replace what the machine needs but for what agent and engine remember, with nothing running."""
        user = self._settings.user()
        place.remove_traces()
        place.make(user)
        place.write_guest_files(request.guest_files, user)
        place.remove_guest_files(but=request.guest_files)
        fresh = records.of_request(request)
        kept = self.require(place)
        record = dataclasses.replace(kept, name=fresh.name, tcp_ports=fresh.tcp_ports, udp_ports=fresh.udp_ports)
        records.save(place.folder, record)

    def bring_up(self, place: home.Home, record: records.ServerRecord) -> None:
        """Start the machine unless it runs, and wait a little for it."""
        target = self._machine(place)
        if target.process() is None:
            self._prepare(place, record, target)
            command = [*self._settings.guest_command(target.user), *place.guest_arguments()]
            environment = self._settings.environment(target.user, place.path('state'), place.path('tmp'))

            def is_up() -> bool:
                if target.process() is not None:
                    return True
                # Again, because a machine that was just killed holds its lock a moment longer than it is seen.
                target.launch(command, environment)
                return False

            if processes.wait_until(is_up, START_WAIT_SECONDS):
                LOG.info('The server of instance %s was started', place.instance_id)
        # Also when it takes longer: it is on its way, and one that never comes is missed and resumed.
        if record.power != records.RUNNING:
            self.want(place, records.RUNNING)

    def start(self, place: home.Home) -> base.Server:
        """Start a server, ending first what is still on its way down; ``ComputeBusy`` while that takes."""
        record = self.require(place)
        is_ending = record.power in (records.STOPPED, *records.PASSING)
        if is_ending and not self.end(place, record, self._settings.stop_timeout_seconds):
            raise exception.ComputeBusy(reason=f'the server of instance {place.instance_id} is still stopping')
        record = self.want(place, records.RUNNING)
        self.bring_up(place, record)
        return self.describe(place, record)

    def bring_down(self, place: home.Home, record: records.ServerRecord, patience_seconds: float | None = None) -> None:
        """End all processes of a server that is to come back; ``ComputeBusy`` when they do not end soon."""
        if patience_seconds is None:
            patience_seconds = min(RESTART_PATIENCE_SECONDS, self._settings.stop_timeout_seconds)
        if not processes.wait_until(lambda: self.end(place, record, patience_seconds), RESTART_LIMIT_SECONDS):
            raise exception.ComputeBusy(reason=f'processes of instance {place.instance_id} do not end')

    def end(self, place: home.Home, record: records.ServerRecord | None, patience_seconds: float) -> bool:
        """Go on ending all processes of an instance; return whether they are gone.

        Without a record of when that began, nothing is given time.
        """
        since = record.stopping_since if record is not None else None
        elapsed = self._clock.time() - since if since is not None else patience_seconds
        return power.end(self._machine(place), power.Ending(elapsed, patience_seconds))

    def describe(self, place: home.Home, record: records.ServerRecord) -> base.Server:
        """Return a server as it is now."""
        target = self._machine(place)
        address = self._book.find(place.instance_id)
        return base.Server(
            place.instance_id,
            _status(record, target),
            (loopback(address),) if address else (),
            target.fault(),
            instance_id=place.instance_id,
            flavor_id=record.flavor_id,
            host=self._settings.host,
        )

    def is_there(self, place: home.Home) -> bool:
        """Return whether a server is recorded or anything of it runs."""
        return records.load(place.folder) is not None or not self._machine(place).is_gone()

    def is_missed(self, place: home.Home, forgotten_after_seconds: float) -> bool:
        """Return whether a server ought to run and does not; a restart that nobody finished counts, too."""
        record = records.load(place.folder)
        if record is None:
            return False
        if record.power in records.PASSING:
            return self._clock.time() - (record.stopping_since or 0) > forgotten_after_seconds
        return record.power == records.RUNNING and self._machine(place).process() is None

    def guest_settings(self, place: home.Home) -> dict[str, str]:
        """Return what the guest must know of where it runs; ``ComputeError`` before it has an address."""
        address = self._book.find(place.instance_id)
        if address is None:
            raise exception.ComputeError(reason=f'instance {place.instance_id} has no address yet')
        return {**place.settings(address), 'report_interval': f'{self._settings.report_interval:g}'}

    def _machine(self, place: home.Home) -> machine.Machine:
        return machine.Machine(place.instance_id, place.folder, self._settings.user())

    def _prepare(self, place: home.Home, record: records.ServerRecord, target: machine.Machine) -> None:
        if target.user.uid != os.geteuid():
            target.user.check_reach(place.etc, 'choose another [local] instances_path')
        volume = records.load_volume(place.folder)
        if volume is not None:
            self._backends.of(volume.backend).attach(place.volume)
        place.make(target.user)
        # Anew at each start: what follows from where the guest runs may have changed.
        settings_file = {home.LOCAL_FILE: home.settings_text(self.guest_settings(place))}
        place.write_guest_files(settings_file, target.user)
        if not target.members():
            self._check_ports(place, record)

    def _check_ports(self, place: home.Home, record: records.ServerRecord) -> None:
        address = self.guest_settings(place)['bind_address']
        tcp_ports, udp_ports = base.port_numbers(record.tcp_ports), base.port_numbers(record.udp_ports)
        blocked = listeners.blocked_port(address, tcp_ports, udp_ports)
        if blocked is None:
            return
        addresses.check_host(address, blocked)
        kind, port, error = blocked
        raise exception.ComputeError(
            reason=f'{kind} port {port} of {address} cannot be bound ({os.strerror(error)}); stop what uses it'
        )


def loopback(address: str) -> base.Address:
    """Return an address of this host as the provider's address."""
    return base.Address(address, 'private', NETWORK)


def _status(record: records.ServerRecord, target: machine.Machine) -> str:
    if record.power in records.PASSING:
        return _PASSING_STATUSES[record.power]
    if record.old_flavor_id is not None and record.power != records.DELETING:
        return states.ServerStatus.VERIFY_RESIZE
    if record.power in (records.STOPPED, records.DELETING):
        return states.ServerStatus.SHUTOFF if target.is_gone() else states.ServerStatus.ACTIVE
    if target.process() is not None:
        return states.ServerStatus.ACTIVE
    return states.ServerStatus.BUILD if record.power == records.BUILDING else states.ServerStatus.SHUTOFF
