"""The contract of datastores, as tests: what lies on the volume is served by a host that was made anew."""

import os
import shutil
from collections.abc import Iterator

import pytest

from trove.common import exception, states
from trove.guestagent import requests
from trove.guestagent.system import files
from trove.testing import guests, hosts

Guest = guests.Guest
CONTEXT = guests.CONTEXT
FOREIGN_ID = 4321
"""Id that the engine's user had on the host before."""


def make_host_anew(guest: Guest) -> None:
    """Leave what a fresh root disk leaves of a guest, on which the engine's user has another id."""
    hosts.kill(guest.engine())
    # Children of an engine outlive it for a moment and hold its memory.
    hosts.await_true(lambda: guest.find_process() is None)
    for place in ('run', 'log', f'{guest.state}/services'):
        files.remove(f'{guest.folder}/{place}')
    if os.geteuid() == 0:
        for folder, folders, names in os.walk(f'{guest.folder}/volume/data'):
            for name in ('', *folders, *names):
                os.chown(os.path.join(folder, name), FOREIGN_ID, FOREIGN_ID, follow_symlinks=False)
    guest.restart_agent()


def _request(guest: Guest) -> requests.RebuildRequest:
    return requests.RebuildRequest('', guest.template(guests.SMALL_MB))


class RebuildContract(guests.Guests):
    """Held against datastores with a volume."""

    @pytest.fixture
    def kept(self) -> Iterator[Guest]:
        """A guest with data, whose state lies on its volume."""
        with self.running(state='volume/state') as guest:
            if not guest.description.has_volume:
                pytest.skip(f'{guest.name} has no volume')
            guest.prepare(overrides=guest.overrides())
            guest.write_mark()
            guest.log_out()
            yield guest

    def test_rebuild_serves_what_is_on_the_volume(self, kept: Guest) -> None:
        password = kept.manager.app.admin_password()
        make_host_anew(kept)
        kept.manager.services.tend()
        assert kept.manager.health() == states.SHUTDOWN
        for _ in range(2):
            kept.manager.rebuild(CONTEXT, _request(kept))
        assert kept.manager.health() == states.HEALTHY
        assert kept.manager.app.admin_password() == password
        assert kept.has_overrides()
        assert kept.has_mark()
        # Nothing is left that the new owner may not write.
        foreign = [entry for entry in os.scandir(f'{kept.folder}/volume/data') if entry.stat().st_uid == FOREIGN_ID]
        assert foreign == []
        if kept.description.has_root:
            assert kept.manager.is_root_enabled(CONTEXT)

    def test_rebuild_after_a_kill_at_any_moment(self, kept: Guest) -> None:
        make_host_anew(kept)
        for seconds in (0.01, 0.1, 0.4):
            hosts.kill_child_after(seconds, lambda: kept.manager.rebuild(CONTEXT, _request(kept)))
        kept.restart_agent()
        kept.manager.rebuild(CONTEXT, _request(kept))
        kept.enter()
        assert kept.has_mark()

    @pytest.mark.parametrize('lost', ['state', 'state/engine', 'data'])
    def test_rebuild_without_the_state_is_told_and_makes_nothing(self, kept: Guest, lost: str) -> None:
        make_host_anew(kept)
        shutil.rmtree(f'{kept.folder}/volume/{lost}')
        kept.restart_agent()
        with pytest.raises(exception.GuestError, match='state_path'):
            kept.manager.rebuild(CONTEXT, _request(kept))
        assert kept.process() is None
        assert os.path.exists(f'{kept.folder}/volume/data') == (lost != 'data')
