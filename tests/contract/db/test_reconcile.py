"""What the taskmanager learns of servers, volumes and flavors from the provider, on every control database."""

import concurrent.futures
import dataclasses
import datetime
import logging
import threading
import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from tests.fixtures import provider_double
from trove.common import clock as trove_clock
from trove.common import exception, states
from trove.compute import base
from trove.db import get_db_api, models
from trove.db.sqlalchemy import session as db_session
from trove.instance import reconcile

NOW = 1_700_000_000.0
FULL_LOOK_TURNS = 3
OVERLAP_SECONDS = 60
ADDRESS = {'address': '127.0.0.9', 'type': 'private', 'network': ''}


class ProviderDouble(provider_double.FolderProvider):
    """Answers with the flavors, servers and volumes that a test gives it, and remembers what it was asked."""

    def __init__(self, outside) -> None:
        super().__init__(outside)
        self.flavors = [base.Flavor('1', 'tiny', 512), base.Flavor('2', 'small', 1024)]
        self.servers: dict[str, base.Server] = {}
        self.changed: list[base.Server] = []
        self.volumes: list[base.Volume] = []
        self.asked: list[Any] = []
        self.error: exception.ComputeError | None = None

    def list_flavors(self):
        return self.flavors

    def put(self, instance_id, status='ACTIVE', **changes):
        values = {'addresses': (base.Address('127.0.0.9'),), 'instance_id': instance_id, **changes}
        server = base.Server(values.pop('id', f'server-{instance_id}'), status, **values)
        self.servers[instance_id] = server
        self.changed = [*(one for one in self.changed if one.id != server.id), server]

    def find_server(self, instance_id):
        self.asked.append(instance_id)
        return self.servers.get(instance_id)

    def list_servers(self, changed_since=None):
        self.asked.append(changed_since)
        if self.error is not None:
            raise self.error
        return list(self.servers.values()) if changed_since is None else self.changed

    def list_volumes(self):
        self.asked.append('volumes')
        return self.volumes


@pytest.fixture
def provider(tmp_path) -> ProviderDouble:
    return ProviderDouble(provider_double.Outside(tmp_path))


@pytest.fixture
def now() -> trove_clock.ManualClock:
    return trove_clock.ManualClock(NOW)


@pytest.fixture
def reconciler(control_database, provider, now) -> reconcile.Reconciler:
    return reconcile.Reconciler(provider, reconcile.Looks(now, FULL_LOOK_TURNS, OVERLAP_SECONDS))


def make_instance(task: states.TaskStatus = states.Tasks.NONE, **changes: Any) -> str:
    instance_id = str(uuid.uuid4())
    with get_db_api().transaction() as session:
        datastore = models.Datastore(id=str(uuid.uuid4()), name=instance_id)
        version = models.DatastoreVersion(
            id=str(uuid.uuid4()), datastore_id=datastore.id, name='1', version='1', manager='redis'
        )
        session.add(datastore)
        session.flush()
        session.add(version)
        session.flush()
        values = {
            'name': 'i',
            'project_id': 'p',
            'datastore_version_id': version.id,
            'flavor_id': '2',
            'task_code': task.code,
            'volume_size': 1,
            'volume_id': f'volume-{instance_id}',
            'server_id': f'server-{instance_id}',
            'server_status': 'ACTIVE',
            'addresses': [ADDRESS],
            'created': trove_clock.utcnow(),
            'updated': trove_clock.utcnow(),
            **changes,
        }
        session.add(models.Instance(id=instance_id, **values))
    return instance_id


def begin_operation(instance_id: str) -> None:
    with get_db_api().transaction() as session:
        values = {'id': str(uuid.uuid4()), 'kind': 'k', 'subject_id': instance_id, 'active_key': instance_id}
        moment = trove_clock.utcnow()
        session.add(
            models.Operation(
                **values, state='RUNNING', step='s', deadline_at=NOW, spec={}, memo={}, created=moment, updated=moment
            )
        )


def end_operation(instance_id: str) -> None:
    with get_db_api().transaction() as session:
        for operation in session.query(models.Operation).filter_by(active_key=instance_id):
            operation.active_key = None


def instance(instance_id: str) -> models.Instance:
    with get_db_api().reading() as session:
        found = session.get(models.Instance, instance_id)
    assert found is not None
    return found


def server_status(instance_id: str) -> str | None:
    return instance(instance_id).server_status


def flavors() -> dict[str, int]:
    with get_db_api().reading() as session:
        return {record.id: record.ram for record in session.query(models.Flavor)}


class TestFlavors:
    """The flavors that can be chosen."""

    def test_they_follow_the_provider_and_stay_while_they_are_used(self, reconciler, provider) -> None:
        reconciler.refresh_flavors()
        assert flavors() == {'1': 512, '2': 1024}
        make_instance()
        make_instance(is_deleted=True)
        provider.flavors = [base.Flavor('1', 'tiny', 256)]
        reconciler.refresh_flavors()
        assert flavors() == {'1': 256, '2': 1024}

    def test_all_taskmanagers_may_be_the_first_to_see_them(self, reconciler, provider) -> None:
        provider.flavors = [base.Flavor(str(number), 'tiny', 256) for number in range(20)]
        beginning = threading.Barrier(8)

        def refresh(_number: int) -> None:
            beginning.wait()
            reconciler.refresh_flavors()

        with concurrent.futures.ThreadPoolExecutor(beginning.parties) as taskmanagers:
            list(taskmanagers.map(refresh, range(beginning.parties)))
        assert len(flavors()) == 20

    def test_one_that_nobody_has_goes(self, reconciler, provider) -> None:
        reconciler.refresh_flavors()
        provider.flavors = []
        reconciler.refresh_flavors()
        assert flavors() == {}


class TestServers:
    """What is written down of servers."""

    def test_status_host_id_and_addresses(self, reconciler, provider) -> None:
        instance_id = make_instance(server_id=None, server_status=None, addresses=[])
        provider.put(instance_id, 'SHUTOFF', host='compute-1', id='s')
        reconciler.refresh_servers()
        found = instance(instance_id)
        assert (found.server_status, found.server_host, found.server_id) == ('SHUTOFF', 'compute-1', 's')
        assert found.addresses == [ADDRESS]
        assert found.fault_message is None

    def test_what_a_server_does_not_tell_is_kept(self, reconciler, provider) -> None:
        instance_id = make_instance(server_host='compute-1')
        provider.put(instance_id, 'REBOOT', addresses=())
        reconciler.refresh_servers()
        found = instance(instance_id)
        assert (found.server_status, found.server_host, found.addresses) == ('REBOOT', 'compute-1', [ADDRESS])

    def test_addresses_in_another_order_are_the_same(self, reconciler, provider) -> None:
        other = {'address': '127.0.0.8', 'type': 'private', 'network': ''}
        instance_id = make_instance(addresses=[ADDRESS, other])
        provider.put(instance_id, addresses=(base.Address('127.0.0.8'), base.Address('127.0.0.9')))
        reconciler.refresh_servers()
        assert instance(instance_id).addresses == [ADDRESS, other]

    @pytest.mark.parametrize('task', [states.Tasks.BUILDING, states.Tasks.BUILDING_ERROR_SERVER])
    def test_nothing_of_an_instance_with_a_task(self, reconciler, provider, task) -> None:
        instance_id = make_instance(task)
        provider.put(instance_id, 'ERROR')
        reconciler.refresh_servers()
        assert server_status(instance_id) == 'ACTIVE'

    def test_an_operation_knows_better_until_it_ended(self, reconciler, provider) -> None:
        instance_id = make_instance(states.Tasks.RESTART_REQUIRED)
        begin_operation(instance_id)
        provider.put(instance_id, 'SHUTOFF')
        reconciler.refresh_servers()
        assert server_status(instance_id) == 'ACTIVE'
        end_operation(instance_id)
        # It is not among those that changed since the last look, and is asked for by name.
        provider.changed = []
        for _ in range(2):
            reconciler.refresh_servers()
        assert server_status(instance_id) == 'SHUTOFF'
        assert provider.asked.count(instance_id) == 1

    def test_what_an_operation_does_during_the_look_wins(self, reconciler, provider) -> None:
        busy, touched = make_instance(), make_instance()

        class Meddler(list):
            def __iter__(self):
                begin_operation(busy)
                with get_db_api().transaction() as session:
                    session.get(models.Instance, touched).updated += datetime.timedelta(seconds=1)
                return super().__iter__()

        provider.list_servers = lambda changed_since: Meddler(
            [base.Server('s', 'ERROR', instance_id=one) for one in (busy, touched)]
        )
        reconciler.refresh_servers()
        assert [server_status(one) for one in (busy, touched)] == ['ACTIVE', 'ACTIVE']


class TestFaults:
    """What a tenant is told of a server that failed outside of any operation."""

    def test_a_server_that_is_gone(self, reconciler) -> None:
        instance_id = make_instance()
        reconciler.refresh_servers()
        found = instance(instance_id)
        assert (found.server_status, found.addresses) == ('SHUTDOWN', [ADDRESS])
        assert 'was deleted outside of Trove' in found.fault_message
        assert 'delete the instance' in found.fault_details

    def test_a_server_that_is_told_to_be_deleted(self, reconciler, provider, now) -> None:
        instance_id = make_instance()
        provider.put(instance_id)
        reconciler.refresh_servers()
        provider.put(instance_id, 'DELETED')
        reconciler.refresh_servers()
        assert server_status(instance_id) == 'SHUTDOWN'
        assert 'was deleted' in instance(instance_id).fault_message

    def test_the_former_of_two_servers_does_not_count(self, reconciler, provider) -> None:
        instance_id = make_instance()
        provider.put(instance_id)
        reconciler.refresh_servers()
        former = base.Server('former', 'DELETED', instance_id=instance_id)
        for changed in ([former], [provider.servers[instance_id], former]):
            provider.changed = changed
            reconciler.refresh_servers()
            assert server_status(instance_id) == 'ACTIVE'

    def test_an_error_shows_what_the_provider_says_until_it_is_over(self, reconciler, provider) -> None:
        instance_id = make_instance()
        provider.put(instance_id, 'ERROR', fault='the disk of compute-1 broke. ' * 50)
        reconciler.refresh_servers()
        found = instance(instance_id)
        assert found.fault_message.startswith(f'{reconcile.REPORT}the disk of compute-1 broke.')
        assert (len(found.fault_message), found.fault_details.count('broke')) == (1000, 50)
        assert found.fault_created is not None
        provider.put(instance_id, 'ERROR')
        reconciler.refresh_servers()
        assert reconcile.NO_REASON in instance(instance_id).fault_details
        provider.put(instance_id)
        reconciler.refresh_servers()
        found = instance(instance_id)
        assert (found.server_status, found.fault_message, found.fault_details, found.fault_created) == (
            'ACTIVE',
            None,
            None,
            None,
        )

    def test_a_fault_of_an_operation_stays_while_the_server_stays(self, reconciler, provider) -> None:
        told = {'fault_message': 'resize failed', 'fault_details': 'resize failed'}
        same, worse, well = (make_instance(**told) for _ in range(3))
        with get_db_api().transaction() as session:
            session.get(models.Instance, same).server_status = 'ERROR'
        provider.put(same, 'ERROR', fault='no host')
        provider.put(worse, 'ERROR', fault='no host')
        provider.put(well)
        reconciler.refresh_servers()
        assert [instance(one).fault_message for one in (same, worse, well)] == [
            'resize failed',
            f'{reconcile.REPORT}no host',
            'resize failed',
        ]


class TestVolumes:
    """What is written down of volumes."""

    def volume(self, instance_id: str, **changes: Any) -> base.Volume:
        return dataclasses.replace(base.Volume('v', 5, 'ssd', True, instance_id=instance_id), **changes)

    def test_id_and_growth(self, reconciler, provider) -> None:
        grown, growing, shrunk, without = (make_instance(volume_size=size) for size in (2, 2, 9, None))
        provider.volumes = [
            self.volume(grown),
            self.volume(growing, is_ready=False),
            self.volume(shrunk),
            self.volume(without),
            self.volume('stranger'),
        ]
        reconciler.refresh_volumes()
        found = [(instance(one).volume_size, instance(one).volume_id) for one in (grown, growing, shrunk)]
        assert found == [(5, 'v'), (2, 'v'), (9, 'v')]
        assert instance(without).volume_size is None

    def test_an_operation_knows_better(self, reconciler, provider) -> None:
        instance_id = make_instance()
        begin_operation(instance_id)
        provider.volumes = [self.volume(instance_id)]
        reconciler.refresh_volumes()
        assert instance(instance_id).volume_size == 1


class TestLooks:
    """How often the provider and the database are asked."""

    def test_the_first_look_and_one_in_some_asks_for_all(self, reconciler, provider, now) -> None:
        for _ in range(5):
            reconciler.refresh_servers()
            now.turn(30)
        moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC).replace(tzinfo=None)
        since = [moment + datetime.timedelta(seconds=seconds - OVERLAP_SECONDS) for seconds in (0, 30, 90)]
        assert provider.asked == [None, since[0], since[1], None, since[2]]

    def test_a_look_that_failed_is_made_up_for(self, reconciler, provider, now) -> None:
        provider.error = exception.ComputeBusy(reason='away')
        with pytest.raises(exception.ComputeBusy):
            reconciler.refresh_servers()
        provider.error = None
        reconciler.refresh_servers()
        provider.error = exception.ComputeBusy(reason='away')
        now.turn(600)
        with pytest.raises(exception.ComputeBusy):
            reconciler.refresh_servers()
        provider.error = None
        reconciler.refresh_servers()
        assert provider.asked[:2] == [None, None]
        assert provider.asked[2] == provider.asked[3], 'the second try reaches back as far'

    def test_a_look_for_changes_takes_nobody_for_gone(self, reconciler, provider) -> None:
        instance_id = make_instance()
        provider.put(instance_id)
        reconciler.refresh_servers()
        provider.servers, provider.changed = {}, []
        reconciler.refresh_servers()
        assert server_status(instance_id) == 'ACTIVE'
        for _ in range(2):
            reconciler.refresh_servers()
        assert server_status(instance_id) == 'SHUTDOWN'

    def count_statements(self, reconciler) -> int:
        """Return how many statements one turn sends."""
        sent = []

        def note(connection, cursor, statement, *rest):
            sent.append(statement)

        engine = db_session.get_engine()
        sa.event.listen(engine, 'before_cursor_execute', note)
        try:
            reconciler.refresh_servers()
            reconciler.refresh_volumes()
            reconciler.report_orphans()
        finally:
            sa.event.remove(engine, 'before_cursor_execute', note)
        return len([statement for statement in sent if statement.startswith(('SELECT', 'UPDATE'))])

    def test_instances_that_did_not_change_cost_nothing(self, reconciler, provider) -> None:
        costs = []
        for _ in range(3):
            for _ in range(5):
                instance_id = make_instance()
                provider.put(instance_id)
                provider.volumes.append(base.Volume(f'volume-{instance_id}', 1, 't', True, instance_id=instance_id))
            provider.asked.clear()
            costs.append(self.count_statements(reconciler))
            assert len(provider.asked) == 2, 'one list of servers, one of volumes'
        assert costs == [3, 3, 3]
        provider.put(instance_id, 'SHUTOFF')
        assert self.count_statements(reconciler) == 4


def test_what_belongs_to_no_instance_is_told(reconciler, tmp_path, caplog) -> None:
    outside = provider_double.Outside(tmp_path)
    known, deleted = make_instance(), make_instance(is_deleted=True)
    for instance_id in (known, deleted, 'stranger'):
        outside.make(instance_id, 'server')
    with caplog.at_level(logging.WARNING):
        reconciler.report_orphans()
    assert known not in caplog.text
    assert deleted in caplog.text and 'stranger' in caplog.text
