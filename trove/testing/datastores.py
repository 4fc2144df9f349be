"""The contract of datastores, as tests on a real engine.

A datastore's test module subclasses ``DatastoreContract`` and sets ``world``, see ``trove.testing.guests.World``;
every promise is then held against that datastore. What its description does not declare must be "not supported".
"""

import os
import pathlib
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from trove.common import exception, states
from trove.guestagent import dbaas, requests
from trove.guestagent.system import files
from trove.testing import datastore_accounts, datastore_rebuild, guests, hosts

Guest = guests.Guest
CONTEXT = guests.CONTEXT


class PreparingContract(guests.Guests):
    """What is made from nothing."""

    def test_prepare_makes_a_healthy_engine(self, served: Guest) -> None:
        assert served.manager.health() == states.HEALTHY
        stats = served.manager.get_filesystem_stats()
        assert stats['total'] >= stats['used'] > 0

    def test_prepare_makes_what_was_asked_for(self, served: Guest) -> None:
        query, mark = served.enter(), self.world.mark
        query(mark.write)
        assert list(query(mark.read)) == list(mark.expected)
        databases = [{'name': 'first_db'}] if served.description.has_databases else []
        if served.description.has_users:
            served.login('joe', guests.USER_PASSWORD, 'first_db' if databases else None)
            page = served.manager.list_users(CONTEXT, None, None, False)
            assert page['items'] == [{'name': 'joe', 'host': '%', 'databases': databases}]
        if served.description.has_databases:
            page = served.manager.list_databases(CONTEXT, None, None, False)
            assert [item['name'] for item in page['items']] == ['first_db', 'second-db']

    @pytest.mark.parametrize('password', [None, '', 'wrong'])
    @pytest.mark.parametrize('is_local', [False, True])
    def test_nobody_comes_in_without_the_password(self, served: Guest, password: str | None, is_local: bool) -> None:
        if not (served.description.has_root or served.description.has_users):
            pytest.skip(f'{served.name} has no accounts')
        if is_local and not self.world.has_socket:
            pytest.skip(f'{served.name} has no socket on the guest')
        own = (served.description.root_user_name,) if served.description.has_root else ()
        for user in (*self.world.intruders, *own):
            with pytest.raises(guests.Refused):
                served.login(user, password, is_local=is_local)

    def test_template_is_applied(self, served: Guest) -> None:
        if self.world.memory_bytes is None:
            pytest.skip(f'the template of {served.name} says nothing of memory')
        assert self.world.memory(served.enter()) == self.world.memory_bytes

    def test_prepare_again_changes_nothing(self, served: Guest) -> None:
        served.write_mark()
        before = served.process()
        served.prepare()
        assert served.process() == before
        assert served.has_mark()

    def test_prepare_after_kill_at_any_moment(self, fresh: Guest) -> None:
        for seconds in (0.02, 0.1, 0.3, 0.6, 1.0):
            hosts.kill_child_after(seconds, fresh.prepare)
        fresh.restart_agent()
        fresh.prepare()
        assert fresh.manager.health() == states.HEALTHY
        fresh.enter()
        drafts = [entry for entry in os.listdir(f'{fresh.folder}/volume') if entry.startswith('data.new')]
        assert drafts == []

    def test_prepare_as_an_ordinary_user(self, fresh: Guest) -> None:
        if os.geteuid() != 0:
            pytest.skip('all other tests run so')
        manager = type(fresh.manager).__module__
        if not hosts.can_import(hosts.UNPRIVILEGED, dbaas.__name__, manager):
            pytest.skip(f'the user {hosts.UNPRIVILEGED} cannot read what is imported here')
        shutil.chown(fresh.folder, hosts.UNPRIVILEGED)
        # The agent made its state folder as root before it was told otherwise.
        shutil.rmtree(f'{fresh.folder}/state')

        def life() -> None:
            fresh.restart_agent()
            fresh.prepare()
            fresh.manager.restart(CONTEXT)
            assert fresh.manager.health() == states.HEALTHY
            assert os.stat(f'/proc/{fresh.engine().pid}').st_uid == os.geteuid() != 0

        _, status = os.waitpid(hosts.run_in_child(life, hosts.UNPRIVILEGED), 0)
        assert os.waitstatus_to_exitcode(status) == 0
        fresh.enter()

    def test_overrides_are_applied(self, fresh: Guest) -> None:
        if self.world.override is None:
            pytest.skip(f'no parameter of {fresh.name} is named')
        fresh.prepare(overrides=fresh.overrides())
        assert fresh.has_overrides()

    def test_taken_port_is_told(self, fresh: Guest) -> None:
        with socket.socket() as other:
            other.bind((fresh.address, fresh.description.port))
            other.listen()
            with pytest.raises(exception.GuestError, match='ended right after its start'):
                fresh.prepare()
        assert fresh.manager.health() == states.CRASHED


class LivingContract(guests.Guests):
    """What becomes of a serving engine, by the calls of the control plane and by accident."""

    def await_service(self, guest: Guest) -> None:
        """Let the agent look after its engine until it is healthy."""

        def is_healthy_again() -> bool:
            guest.manager.services.tend()
            return guest.manager.health() == states.HEALTHY

        # The restart of an engine is put off for a while when it dies again and again.
        hosts.await_true(is_healthy_again)

    def test_stop_start_and_restart(self, served: Guest) -> None:
        served.manager.stop(CONTEXT)
        assert served.manager.health() == states.SHUTDOWN
        served.manager.services.tend()
        assert served.engine().is_alive() is False
        served.manager.stop(CONTEXT)
        served.manager.start(CONTEXT)
        before = served.process()
        served.manager.start(CONTEXT)
        assert served.process() == before
        served.manager.restart(CONTEXT)
        assert served.process() != before
        assert served.manager.health() == states.HEALTHY

    def test_engine_outlives_the_agent(self, served: Guest) -> None:
        before = served.process()
        served.restart_agent()
        assert served.manager.health() == states.HEALTHY
        served.manager.start(CONTEXT)
        assert served.process() == before

    def test_agent_killed_before_it_knew_the_process_finds_it(self, served: Guest) -> None:
        before = served.process()
        path = f'{served.folder}/state/services/trove-{served.name}.json'
        files.write_json(path, {**files.read_json(path), 'process': None})
        served.restart_agent()
        served.manager.start(CONTEXT)
        assert served.find_process() == before
        assert served.process() == before

    def test_dead_engine_is_started_again(self, served: Guest) -> None:
        before = served.engine()
        hosts.kill(before)
        hosts.await_true(lambda: served.manager.health() == states.CRASHED)
        self.await_service(served)
        assert served.process() != before

    def test_dead_engine_that_nobody_reaps_is_started_again(self, served: Guest) -> None:
        # The agent that started it is gone, and the first process of a container may reap nobody.
        before = served.process()

        def life() -> None:
            served.manager.restart(CONTEXT)
            time.sleep(60)

        child = hosts.run_in_child(life)
        try:
            hosts.await_true(lambda: served.process() != before and served.manager.health() == states.HEALTHY)
            engine = served.engine()
            os.kill(engine.pid, signal.SIGKILL)
            hosts.await_true(lambda: not engine.is_alive())
            self.await_service(served)
        finally:
            hosts.end_child(child)

    def test_engine_comes_back_after_a_restart_of_the_host(self, served: Guest) -> None:
        """Processes and the folder for sockets are gone then; what was wanted is started again."""
        served.write_mark()
        served.log_out()
        hosts.kill(served.engine())
        files.remove(f'{served.folder}/run')
        served.restart_agent()
        self.await_service(served)
        assert served.has_mark()

    def test_frozen_engine_is_blocked(self, served: Guest) -> None:
        process = served.engine()
        try:
            hosts.freeze(process)
            assert served.manager.health() == states.BLOCKED
        finally:
            process.send(signal.SIGCONT)
        hosts.await_true(lambda: served.manager.health() == states.HEALTHY)

    def test_stopped_engine_stays_down_until_it_is_started(self, served: Guest) -> None:
        served.manager.stop(CONTEXT)
        # The agent and the host start again: processes and the folder for sockets are gone.
        files.remove(f'{served.folder}/run')
        served.restart_agent()
        served.manager.services.tend()
        assert served.manager.health() == states.SHUTDOWN
        template = served.template(guests.SMALL_MB)
        served.manager.start_with_changes(CONTEXT, requests.StartRequest(template))
        assert served.manager.health() == states.HEALTHY
        served.log_out()
        hosts.kill(served.engine())
        self.await_service(served)

    def test_start_with_another_template_gives_the_engine_its_memory(self, fresh: Guest) -> None:
        fresh.prepare(overrides=fresh.overrides())
        fresh.write_mark()
        tells_memory = self.world.memory_bytes is not None
        before = self.world.memory(fresh.enter()) if tells_memory else 0
        fresh.log_out()
        fresh.manager.stop(CONTEXT)
        # It is asked for twice, as when the agent was killed after the first time.
        for _ in range(2):
            fresh.manager.start_with_changes(CONTEXT, requests.StartRequest(fresh.template(guests.LARGE_MB)))
        if tells_memory:
            assert self.world.memory(fresh.enter()) == pytest.approx(2 * before, rel=0.01)
        assert fresh.has_overrides()
        assert fresh.has_mark()


class AbilitiesContract(guests.Guests):
    """What it declares, and that all else is refused in the words that tenants know."""

    def test_both_halves_have_one_name(self, served: Guest) -> None:
        assert served.description.name == served.manager.description.name == served.name

    def test_it_has_what_it_declares(self, served: Guest) -> None:
        declared, manager = served.description, served.manager
        assert declared.has_databases == (manager.databases is not None)
        assert declared.has_users == (manager.users is not None)
        assert declared.has_root == (manager.root is not None)

    def test_parameters_say_what_a_tenant_may_set(self, served: Guest) -> None:
        for entry in served.description.parameters():
            assert {'name', 'type', 'restart_required'} <= set(entry), entry
        if self.world.override is not None:
            assert self.world.override.name in {entry['name'] for entry in served.description.parameters()}

    def test_what_it_cannot_is_not_supported(self, served: Guest) -> None:
        declared, manager = served.description, served.manager
        calls: list[Callable[[], object]] = []
        if not declared.has_databases:
            calls.append(lambda: manager.list_databases(CONTEXT, None, None, False))
            calls.append(lambda: manager.create_database(CONTEXT, [{'name': 'some'}]))
            calls.append(lambda: declared.validate_database({'name': 'some'}))
        if not declared.has_users:
            calls.append(lambda: manager.get_user(CONTEXT, 'joe', '%'))
            calls.append(lambda: manager.create_user(CONTEXT, [{'name': 'some', 'password': 'some'}]))
            calls.append(lambda: declared.validate_user({'name': 'some'}))
        if not declared.has_root:
            calls.append(lambda: manager.enable_root(CONTEXT))
            calls.append(lambda: manager.disable_root(CONTEXT))
            calls.append(lambda: manager.is_root_enabled(CONTEXT))
        for call in calls:
            with pytest.raises(exception.DatastoreOperationNotSupported):
                call()


class SecrecyContract(guests.Guests):
    """What nobody may read."""

    def test_no_secret_in_logs_argv_or_configuration(self, served: Guest, caplog: pytest.LogCaptureFixture) -> None:
        secrets = [guests.ROOT_PASSWORD, guests.USER_PASSWORD, served.manager.app.admin_password()]
        leaks = [
            place
            for place, content in [*_command_lines(), *_files_of(served)]
            for secret in secrets
            if secret.encode() in content
        ]
        assert leaks == []
        assert not any(secret in caplog.text for secret in secrets)
        folder = f'{served.folder}/state/secrets'
        assert os.stat(folder).st_mode & 0o077 == 0
        assert all(os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0 for name in os.listdir(folder))


def _command_lines() -> Iterator[tuple[str, bytes]]:
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as stream:
                yield f'argv of {pid}', stream.read()
        except OSError:
            continue


def _files_of(guest: Guest) -> Iterator[tuple[str, bytes]]:
    for place in ('log', 'run', 'state/engine', 'state/jobs', 'state/services'):
        for path in filter(pathlib.Path.is_file, pathlib.Path(guest.folder, place).rglob('*')):
            yield str(path), path.read_bytes()


class DatastoreContract(
    PreparingContract,
    LivingContract,
    datastore_rebuild.RebuildContract,
    datastore_accounts.RootContract,
    datastore_accounts.DatabasesContract,
    datastore_accounts.UsersContract,
    AbilitiesContract,
    SecrecyContract,
):
    """Held against one datastore; the subclass sets ``world``."""
