"""The steps of the flows, one by one, on a real ledger, with doubles of the provider and the guest."""

import dataclasses

import pytest

from tests.durability import world as durability_world
from tests.fixtures import agents_double, guest_bus, naming_double, provider_double
from trove.broker import base as broker
from trove.common import exception, states
from trove.compute import base as compute
from trove.conductor import manager as conductor_manager
from trove.db import get_db_api, guest_keys, models
from trove.db import operations as ledger
from trove.instance.flows import create, delete, guest_files, providing, records, restart
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Fail, Next, Retry, Wait

GB = durability_world.CHARGE['volumes']


class Provider(provider_double.FolderProvider):
    """Remembers what it was asked for, and answers as it is told."""

    def __init__(self, outside):
        super().__init__(outside)
        self.requests = []
        self.server = None
        self.error = None
        self.is_slow = False
        self.has_volumes = True
        self.is_volume_ready = True
        self.image_error = None
        self.on_rename = None

    def make_address(self, request):
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return super().make_address(request)

    def make_volume(self, request):
        return super().make_volume(request) if self.has_volumes else None

    def _volume(self, instance_id):
        return dataclasses.replace(super()._volume(instance_id), is_ready=self.is_volume_ready)

    def find_image(self, image_id, image_tags=()):
        if self.image_error is not None:
            raise self.image_error
        return super().find_image(image_id, image_tags)

    def rename_server(self, instance_id, name):
        super().rename_server(instance_id, name)
        if self.on_rename:
            self.on_rename()

    def find_server(self, instance_id):
        return self.server or super().find_server(instance_id)

    def _delete(self, instance_id, thing):
        if self.is_slow:
            return False
        return super()._delete(instance_id, thing)


class Guest:
    """Remembers what was cast."""

    def __init__(self):
        self.casts = []

    def prepare(self, context, job_id, request):
        self.casts.append((job_id, request))

    def restart(self, context, job_id):
        self.casts.append((job_id, None))

    def stop_db(self, context, job_id):
        self.casts.append((job_id, None))

    def resize_fs(self, context, job_id):
        self.casts.append((job_id, None))

    def start_db_with_conf_changes(self, context, job_id, request):
        self.casts.append((job_id, request))

    def rebuild(self, context, job_id, request):
        self.casts.append((job_id, request))

    def rekey(self, context, job_id, request):
        self.casts.append((job_id, request))


class Stage:
    """A world in which one operation is claimed and its steps are called by hand."""

    def __init__(self, place):
        self.world = durability_world.World(place)
        self.conf = self.world.conf
        self.provider = Provider(self.world.outside)
        self.guest = Guest()
        clock = durability_world.clock()
        self.tools = vocabulary.Tools(
            conf=self.conf,
            ledger=ledger.Ledger(clock, 'one', 60.0),
            clock=clock,
            sealer=place.sealer(),
            provider=self.provider,
            guest=lambda instance_id: self.guest,
            dns=naming_double.FolderDns(self.world.outside),
            keystore=naming_double.FolderKeyStore(self.world.outside),
            keys=guest_keys.Keeper(place.sealer()),
            broker=guest_bus.FolderAccounts(self.world.outside),
        )
        self.conductor = conductor_manager.Manager('nowhere', clock, agents_double.DeafWaker())
        self.instance_id = self.world.tenants.create()

    def claim(self, kind, is_beside=False):
        """Claim the operation of a kind that holds the instance, or goes beside another one."""
        found = self.world.operations(self.instance_id)[kind.KIND].id if is_beside else None
        claim = self.tools.ledger.claim(found or self.world.operation_id(self.instance_id))
        assert claim.kind == kind.KIND
        return kind(claim, self.tools)

    def reach(self, step):
        """Run the create up to a step; return the operation."""
        running = self.claim(create.CreateInstance)
        for name in create.CreateInstance.STEPS[: create.CreateInstance.STEPS.index(step)]:
            if name == 'await_guest':
                self.beat('building', False)
            if name == 'await_ready':
                self.beat('healthy', True)
            if name == 'prepare_datastore':
                self.end_job(running, 'prepare')
            assert isinstance(getattr(running, name)(), Next)
        return running

    def build(self):
        """Build the instance and end its create."""
        running = self.reach('finish')
        assert running.finish() == Done()
        settle(self, running)

    def beat(self, status, is_prepared):
        payload = {'service_status': status, 'volume': None, 'prepared': is_prepared}
        now = self.tools.clock.time()
        self.conductor.heartbeat(guest_bus.context_of(self.instance_id), self.instance_id, payload, now)

    def end_job(self, running, name, error=None):
        context = guest_bus.context_of(self.instance_id, request_id=running.context.request_id)
        self.conductor.job_ended(context, self.instance_id, running.job_id(name), error=error)

    @property
    def record(self):
        return self.world.instance(self.instance_id)


def settle(stage, running, is_done=True):
    """End an operation, or give its lease back."""
    end = {'state': ledger.DONE} if is_done else {'wait_seconds': 60.0}
    stage.tools.ledger.settle(running.claim, ledger.Settlement(running.claim.step, {}, **end))


@pytest.fixture
def stage(sqlite_control_database, tmp_path):
    return Stage(durability_world.Place(sqlite_control_database.url, str(tmp_path)))


# -- create ----------------------------------------------------------------------------


def test_instance_is_built_from_its_first_step_to_its_last(stage):
    stage.build()
    assert stage.record.task_code == states.Tasks.NONE.code
    assert (stage.record.server_id, stage.record.is_volume_enforced) == (stage.instance_id, False)
    assert (stage.record.volume_id, stage.record.server_host) == (f'volume-{stage.instance_id}', 'one')
    assert stage.record.hostname == f'{stage.instance_id}.{naming_double.DOMAIN}'
    assert stage.world.parts(stage.instance_id) == list(durability_world.PARTS)


def test_provider_is_told_everything_of_the_instance(stage):
    stage.reach('make_record')
    request = stage.provider.requests[0]
    assert (request.instance_id, request.name, request.user_id) == (stage.instance_id, 'name', 'user')
    assert (request.flavor, request.volume_size, request.tcp_ports) == (provider_double.FLAVOR, GB, ('3306',))
    assert set(request.guest_files) == {guest_files.INFO_FILE, guest_files.CONFIG_FILE}
    assert f'guest_id = {stage.instance_id}\n' in request.guest_files[guest_files.INFO_FILE]


def test_guest_is_handed_its_key_and_its_account(stage):
    running = stage.reach('make_account')
    assert running.make_account() == Next('boot_server')
    # A repetition finds what was made.
    assert running.make_account() == Next('boot_server')
    (key,) = stage.tools.keys.keys(stage.instance_id)
    text = guest_files.make(records.read(stage.instance_id), stage.tools)[guest_files.KEY_FILE]
    url = stage.tools.broker.bus_url(broker.account_of(key))
    assert text.splitlines() == [
        '[DEFAULT]',
        f'transport_url = {url}',
        f'instance_rpc_encr_key = {key.encode()}',
        'instance_rpc_key_number = 1',
    ]
    stage.world.check_key(stage.instance_id, 1)


def test_broker_that_is_away_is_tried_again(stage):
    running = stage.reach('make_account')
    stage.tools.broker.error = broker.BrokerBusy('so far away')
    with pytest.raises(Retry, match='so far away'):
        running.make_account()


def test_build_of_an_earlier_release_makes_the_account_before_the_server(stage):
    running = stage.reach('boot_server')
    with get_db_api().transaction() as session:
        session.delete(session.get(models.GuestKey, stage.instance_id))
    assert running.boot_server() == Next('make_account')


def test_provider_without_volumes_is_fine(stage):
    stage.provider.has_volumes = False
    assert stage.reach('make_volume').make_volume() == Next('make_account')
    assert stage.record.is_volume_enforced is None


def test_busy_provider_is_tried_again(stage):
    stage.provider.error = exception.ComputeBusy(reason='so full')
    with pytest.raises(Retry, match='so full'):
        stage.reach('make_address').make_address()


@pytest.mark.parametrize('error', [exception.ComputeError(reason='so full'), exception.ImageNotFound(image='so full')])
def test_what_the_provider_cannot_cure_fails(stage, error):
    stage.provider.error = error
    with pytest.raises(Fail, match='so full'):
        stage.reach('make_address').make_address()


def test_guest_configuration_that_cannot_be_read_is_named(stage):
    stage.conf.set_override('guest_config', '/nonexistent/guest.conf')
    with pytest.raises(exception.ComputeError, match='/nonexistent/guest'):
        stage.reach('make_address').make_address()


@pytest.mark.parametrize('status', ['BUILD', 'REBOOT'])
def test_server_that_builds_is_waited_for(stage, status):
    stage.provider.server = compute.Server('s', status)
    assert stage.reach('await_server').await_server() == Wait(create.SERVER_POLL_SECONDS)


@pytest.mark.parametrize(('fault', 'text'), [('port taken', 'port taken'), ('', 'gave no reason')])
def test_server_in_error_fails(stage, fault, text):
    stage.provider.server = compute.Server('s', 'ERROR', fault=fault)
    with pytest.raises(Fail, match=text):
        stage.reach('await_server').await_server()


def test_server_that_is_gone_is_made_again(stage):
    running = stage.reach('await_server')
    stage.provider.delete_server(stage.instance_id)
    assert running.await_server() == Next('boot_server')


def test_guest_is_waited_for(stage):
    running = stage.reach('await_guest')
    assert running.await_guest() == Wait(create.GUEST_POLL_SECONDS)
    stage.beat('building', False)
    assert running.await_guest() == Next('prepare_datastore')


def test_guest_is_told_what_to_prepare(stage):
    running = stage.reach('prepare_datastore')
    assert running.prepare_datastore() == Wait(stage.conf.guest_job_repeat_seconds)
    assert running.prepare_datastore() == Wait(stage.conf.guest_job_repeat_seconds)
    (first, request), (second, _) = stage.guest.casts
    assert first == second == f'{running.claim.id}.prepare'
    assert request['users'] == [{'name': 'ann', 'host': '%', 'databases': [], 'password': 'canary'}]
    assert (request['datastore_version'], request['memory_mb']) == ('1', provider_double.FLAVOR.ram)
    assert request['config_contents']


def test_secrets_of_a_request_are_not_in_the_database_in_the_clear(stage):
    running = stage.reach('prepare_datastore')
    assert 'canary' not in repr(vars(stage.world.operations(stage.instance_id)[running.KIND]))


def test_guest_that_fails_to_prepare_fails_the_build(stage):
    running = stage.reach('prepare_datastore')
    stage.end_job(running, 'prepare', 'disk full')
    with pytest.raises(Fail, match='disk full'):
        running.prepare_datastore()


@pytest.mark.parametrize(('status', 'is_prepared'), [('healthy', False), ('crashed', True)])
def test_service_is_waited_for(stage, status, is_prepared):
    running = stage.reach('await_ready')
    stage.beat(status, is_prepared)
    assert running.await_ready() == Wait(create.GUEST_POLL_SECONDS)


@pytest.mark.parametrize(
    ('step', 'task'),
    [
        ('make_address', states.Tasks.BUILDING_ERROR_PORT),
        ('make_record', states.Tasks.BUILDING_ERROR_DNS),
        ('make_volume', states.Tasks.BUILDING_ERROR_VOLUME),
        ('await_server', states.Tasks.BUILDING_ERROR_SERVER),
        ('await_ready', states.Tasks.BUILDING_ERROR_TIMEOUT_GA),
    ],
)
def test_failed_build_shows_its_fault_and_gives_everything_back(stage, step, task):
    running = stage.reach('await_guest')
    running.memo['failed_step'] = step
    stage.provider.is_slow = True
    assert running.failed('no room') == Wait(create.SERVER_POLL_SECONDS)
    assert stage.world.usage(stage.instance_id) != {}
    stage.provider.is_slow = False
    for _ in range(2):
        assert running.failed('no room') == Done()
        assert (stage.record.task_code, stage.record.server_status, stage.record.addresses) == (
            task.code,
            'DELETED',
            [],
        )
        assert step in stage.record.fault_message and 'no room' in stage.record.fault_message
        stage.world.check_nothing_outside(stage.instance_id)


def test_long_fault_is_shown_in_short(stage):
    running = stage.reach('make_record')
    running.failed('x' * 1000)
    assert len(stage.record.fault_message) == records.MESSAGE_LENGTH
    assert 'x' * 1000 in stage.record.fault_details


# -- delete ----------------------------------------------------------------------------


def deleting(stage):
    stage.world.tenants.delete(stage.instance_id)
    return stage.claim(delete.DeleteInstance)


def test_instance_is_deleted_from_its_first_step_to_its_last(stage):
    stage.build()
    running = deleting(stage)
    assert running.delete_server() == Next('delete_account')
    assert running.delete_account() == Next('delete_volume')
    assert running.delete_volume() == Next('delete_record')
    assert running.delete_record() == Next('delete_address')
    assert running.delete_address() == Next('forget_secrets')
    assert running.forget_secrets() == Next('finish')
    assert running.finish() == Done()
    stage.world.check_deleted(stage.instance_id)


def test_account_that_takes_its_time_is_waited_for(stage):
    stage.build()
    stage.tools.broker.is_slow = True
    assert deleting(stage).delete_account() == Wait(delete.POLL_SECONDS)


@pytest.mark.parametrize('step', ['delete_server', 'delete_volume', 'delete_address'])
def test_deletion_that_takes_its_time_is_waited_for(stage, step):
    stage.build()
    stage.provider.is_slow = True
    assert getattr(deleting(stage), step)() == Wait(delete.POLL_SECONDS)


def test_failed_deletion_keeps_the_instance_and_its_quota(stage):
    stage.build()
    running = deleting(stage)
    assert running.failed('no answer') == Done()
    assert (stage.record.task_code, stage.record.server_status) == (states.Tasks.DELETING.code, 'ERROR')
    assert 'no answer' in stage.record.fault_message
    assert stage.world.usage(stage.instance_id) == durability_world.CHARGE


# -- restart ---------------------------------------------------------------------------


def restarting(stage):
    stage.world.tenants.restart(stage.instance_id)
    return stage.claim(restart.RestartInstance)


def test_restart_waits_for_the_guest_and_its_heartbeat(stage):
    stage.build()
    running = restarting(stage)
    assert running.restart_service() == Wait(stage.conf.guest_job_repeat_seconds)
    assert stage.guest.casts == [(f'{running.claim.id}.restart', None)]
    stage.end_job(running, 'restart')
    assert running.restart_service() == Next('await_heartbeat')
    assert running.await_heartbeat() == Wait(restart.HEARTBEAT_POLL_SECONDS)
    stage.beat('healthy', True)
    assert running.await_heartbeat() == Next('finish')
    assert running.finish() == Done()
    assert stage.record.task_code == states.Tasks.NONE.code


def test_failed_restart_frees_the_instance(stage):
    stage.build()
    running = restarting(stage)
    stage.end_job(running, 'restart', 'disk full')
    with pytest.raises(Fail, match='disk full'):
        running.restart_service()
    assert running.failed('disk full') == Done()
    assert stage.record.task_code == states.Tasks.NONE.code
    assert 'disk full' in stage.record.fault_message


# -- cancelled -------------------------------------------------------------------------


@pytest.mark.parametrize('step', ['make_address', 'make_record', 'make_volume', 'boot_server', 'finish'])
def test_create_writes_nothing_over_its_deletion(stage, step):
    running = stage.reach(step)
    stage.world.tenants.delete(stage.instance_id)
    before = vars(stage.record).copy()
    with pytest.raises(vocabulary.Cancelled):
        getattr(running, step)()
    after = vars(stage.record).copy()
    assert {name: after[name] for name in after if name[0] != '_'} == {
        name: before[name] for name in before if name[0] != '_'
    }
    assert after['task_code'] == states.Tasks.DELETING.code


# -- what providers and guests are handed ----------------------------------------------


def test_guest_is_told_of_a_registry_of_its_own(stage):
    with get_db_api().transaction() as session:
        session.get(models.DatastoreVersion, 'acme-1').registry_ext = 'acme=acme.Manager'
    files = guest_files.make(records.read(stage.instance_id), stage.tools)
    assert 'datastore_registry_ext = acme=acme.Manager\n' in files[guest_files.INFO_FILE]


def test_image_is_found_by_its_tags(stage):
    with get_db_api().transaction() as session:
        session.get(models.DatastoreVersion, 'acme-1').image_tags = 'trove,,mysql'
    assert providing.tags_of(records.read(stage.instance_id)) == ['trove', 'mysql']
