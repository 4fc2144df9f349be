"""A deployment without daemons: control database, outside objects, and what an API process does.

Processes of one world meet in its database and its folder only.
"""

import dataclasses
import json
import pathlib
import time
import uuid

import sqlalchemy as sa
from oslo_config import cfg

from tests.fixtures import agents_double, naming_double, provider_double
from trove.common import cfg as trove_cfg
from trove.common import clock as trove_clock
from trove.common import context as trove_context
from trove.common import crypto, states
from trove.compute.local import provider as local
from trove.datastore import descriptions
from trove.db import get_db_api, guest_keys, models
from trove.db import operations as ledger
from trove.db.sqlalchemy import session, tables
from trove.instance import changes
from trove.instance import models as instance_models
from trove.instance import options as instance_options
from trove.instance import spec as instance_spec
from trove.instance.flows import clear, delete, records
from trove.quota import options as quota_options
from trove.taskmanager import api as taskmanager_api
from trove.taskmanager import engine

CHARGE = {'instances': 1, 'ram': provider_double.FLAVOR.ram, 'volumes': 2}
SIZE = 3
"""GB that a volume is grown to."""
ACCESS = {'is_public': True, 'allowed_cidrs': ['10.0.0.0/8']}
IMAGE = 'another-image'
NEW_NAME = 'renamed'
RENAME = changes.RENAME.kind
CLEAR = clear.ClearInstance.KIND
BESIDE = (RENAME, CLEAR)
"""Operations that are their own subject, with the instance's id in their spec."""
PARTS = (*provider_double.PARTS, *naming_double.PARTS, 'account')
MANAGER = 'mysql'
LIMIT_SECONDS = 600
POLL_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a world is; all that another process needs to enter it."""

    url: str
    folder: str
    lease_seconds: float = 6.0
    """Longer than a busy machine holds a process up."""
    local_options: dict | None = None
    """Options of the real local provider; None for the double."""
    options: dict | None = None
    """More options of the taskmanager, name to value."""

    def configure(self, workers=2):
        """Return the configuration of a taskmanager in this world and connect to its database."""
        conf = cfg.ConfigOpts()
        conf([], project='trove', default_config_files=[], default_config_dirs=[])
        for options in (
            engine.OPTS,
            crypto.OPTS,
            instance_options.API_OPTS,
            instance_options.TASKMANAGER_OPTS,
            quota_options.OPTS,
        ):
            trove_cfg.register(conf, options)
        trove_cfg.register(conf, session.OPTS, group=session.GROUP)
        folder = pathlib.Path(self.folder)
        conf.set_override('connection', self.url, group=session.GROUP)
        # A write lock may be waited for as long as many processes start and write at once.
        conf.set_override('busy_timeout', 120, group=session.GROUP)
        conf.set_override('connect_timeout', 60, group=session.GROUP)
        conf.set_override('secrets_key_file', str(folder / 'secrets.key'))
        conf.set_override('guest_config', str(folder / 'guest.conf'))
        conf.set_override('guest_job_repeat_seconds', 0.5)
        conf.set_override('operation_workers', workers)
        conf.set_override('operation_sweep_seconds', 0.2)
        # The agents' double tells of changes only.
        conf.set_override('agent_heartbeat_expiry', 3600)
        for name, value in (self.options or {}).items():
            conf.set_override(name, value)
        descriptions.find(conf, MANAGER)
        conf.set_override('root_on_create', True, MANAGER)
        get_db_api().configure_db(conf)
        return conf

    def sealer(self):
        return crypto.Sealer.from_file(str(pathlib.Path(self.folder) / 'secrets.key'))

    def outside(self):
        return provider_double.Outside(pathlib.Path(self.folder) / 'outside')

    def provider(self, effect=lambda: None, approach=lambda: None):
        """Return the provider of a process; ``effect`` and ``approach`` are called by the double only."""
        if self.local_options is None:
            return provider_double.FolderProvider(self.outside(), effect, approach=approach)
        conf = cfg.ConfigOpts()
        conf([], project='trove', default_config_files=[], default_config_dirs=[])
        local.LocalProvider(conf)
        for name, value in self.local_options.items():
            conf.set_override(name, value, 'local')
        return local.LocalProvider(conf)


class SilentDoor(taskmanager_api.API):
    """Writes operations and wakes nobody: every wake-up is lost."""

    def __init__(self, clock=None):
        super().__init__('nowhere', clock)

    def run_operation(self, context, operation_id):
        return


class Tenants:
    """What the API does for tenants and administrators: each instance belongs to a project of its own."""

    def __init__(self, place, conf, clock=None):
        door = SilentDoor(clock)
        self._instances = instance_models.Instances(conf, door, place.sealer())
        self._changes = changes.Changes(conf, door)
        self._admin = changes.AdminChanges(conf, door)
        self._context = trove_context.service_context()

    def create(self):
        """Ask for an instance; return its id."""
        spec = instance_spec.InstanceSpec(
            name='name',
            flavor_id=provider_double.FLAVOR.id,
            datastore='acme',
            volume_size=CHARGE['volumes'],
            users=[{'name': 'ann', 'host': '%', 'databases': []}],
        )
        context = trove_context.TroveContext(project_id=uuid.uuid4().hex, user_id='user')
        return self._instances.create(context, spec, ['canary']).instance.record.id

    def delete(self, instance_id):
        self._changes.delete(self._context, instance_id)

    def restart(self, instance_id):
        self._changes.restart(self._context, instance_id)

    def resize(self, instance_id, flavor_id=provider_double.LARGE_FLAVOR.id):
        self._changes.resize_flavor(self._context, instance_id, flavor_id)

    def grow(self, instance_id, size=SIZE):
        self._changes.resize_volume(self._context, instance_id, size)

    def open(self, instance_id, access=None):
        self._changes.update(self._context, instance_id, access=access or ACCESS)

    def rename(self, instance_id, name=NEW_NAME):
        self._changes.update(self._context, instance_id, name=name)

    def stop(self, instance_id):
        self._admin.stop(self._context, instance_id)

    def reboot(self, instance_id):
        self._admin.reboot(self._context, instance_id)

    def migrate(self, instance_id, host=None):
        self._admin.migrate(self._context, instance_id, host)

    def rebuild(self, instance_id):
        self._admin.rebuild(self._context, instance_id, IMAGE)

    def clear(self, instance_id):
        """Write that an instance was deleted although all of it is there, and have that cleared."""
        record = records.read_record(instance_id)
        submission = ledger.Submission(
            CLEAR, str(uuid.uuid4()), clear.ClearInstance.STEPS[0], 3600.0, spec={'instance_id': instance_id}
        )
        with get_db_api().transaction() as writer:
            delete.write_end(writer, record)
            ledger.submit(writer, submission, clock())

    def rotate_key(self, instance_id):
        self._admin.rotate_guest_key(self._context, instance_id)

    def reset(self, instance_id):
        self._admin.reset_task(self._context, instance_id)


class World:
    """A place, prepared and looked at by the tests' own process."""

    def __init__(self, place, guest_config='[DEFAULT]\n', clock=None):
        self.place = place
        folder = pathlib.Path(place.folder)
        crypto.make_key_file(str(folder / 'secrets.key'))
        (folder / 'guest.conf').write_text(guest_config)
        self.conf = place.configure()
        self.outside = place.outside()
        self.agents = agents_double.Agents(self.outside, clock=clock)
        self.tenants = Tenants(place, self.conf, clock)
        get_db_api().run(_write_catalogue)

    # -- time ----------------------------------------------------------------------------

    def until(self, is_so, seconds=LIMIT_SECONDS, what='it'):
        """Let the agents live until something is so."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f'{what} did not come to be within {seconds} s'
            self.agents.turn()
            time.sleep(POLL_SECONDS)

    def until_idle(self, seconds=LIMIT_SECONDS):
        """Wait until no operation is active any more."""
        table = tables.operations.c
        query = sa.select(table.kind, table.step, table.error).where(table.state.in_(ledger.ACTIVE_STATES))

        def is_idle():
            with get_db_api().reading() as reader:
                return reader.execute(query).first() is None

        self.until(is_idle, seconds, 'the end of all operations')

    # -- what is -------------------------------------------------------------------------

    def instance(self, instance_id):
        with get_db_api().reading() as reader:
            return reader.get(models.Instance, instance_id)

    def operations(self, instance_id):
        """Return the instance's operations by kind; there is one of each."""
        found = self._operations(instance_id)
        by_kind = {operation.kind: operation for operation in found}
        assert len(by_kind) == len(found)
        return by_kind

    def operation_id(self, instance_id):
        """Return the id of the operation that holds an instance, or renames it."""
        (found,) = [
            one for one in self._operations(instance_id) if one.state in ledger.ACTIVE_STATES and not one.is_cancelled
        ]
        return found.id

    def _operations(self, instance_id):
        table = tables.operations.c
        query = sa.select(models.Operation).where(sa.or_(table.subject_id == instance_id, table.kind.in_(BESIDE)))
        with get_db_api().reading() as reader:
            found = list(reader.execute(query).scalars())
        return [one for one in found if instance_id in (one.subject_id, one.spec.get('instance_id'))]

    def usage(self, instance_id):
        """Return what the quota of the instance's project counts."""
        project_id = self.instance(instance_id).project_id
        query = sa.select(models.QuotaUsage).where(tables.quota_usages.c.project_id == project_id)
        with get_db_api().reading() as reader:
            return {usage.resource: usage.in_use for usage in reader.execute(query).scalars() if usage.in_use}

    def effects(self, instance_id, effect):
        """Return how often each thing suffered an effect."""
        things = [entry.thing for entry in self.outside.journal(instance_id) if entry.effect == effect]
        return {thing: things.count(thing) for thing in things}

    def records(self):
        """Return every row of what operations write, as one text: equal texts mean that nothing was written."""
        kept = (tables.instances, tables.operations, tables.quota_usages, tables.guest_jobs)
        with get_db_api().reading() as reader:
            rows = [sorted(repr(row) for row in reader.execute(sa.select(table))) for table in kept]
        return json.dumps(rows, indent=1)

    def check_key(self, instance_id, number):
        """The instance has its key, and the account has the password that goes with it."""
        with get_db_api().reading() as reader:
            record = reader.get(models.GuestKey, instance_id)
        assert (record.number, record.next_sealed) == (number, None)
        (key,) = guest_keys.Keeper(self.place.sealer()).open(record)
        assert self.outside.read(instance_id, 'account.password') == key.broker_password

    # -- what ought to be ----------------------------------------------------------------

    def check_built(self, instance_id):
        """Exactly one of everything, counted by the quota, prepared once."""
        record = self.instance(instance_id)
        assert (record.task_code, record.server_status) == (states.Tasks.NONE.code, 'ACTIVE')
        assert (record.fault_message, record.is_deleted) == (None, False)
        assert record.addresses[0] == {'address': '127.0.0.9', 'type': 'private', 'network': ''}
        assert record.hostname == f'{instance_id}.{naming_double.DOMAIN}'
        made = self.effects(instance_id, 'made')
        assert {part: made[part] for part in PARTS} == dict.fromkeys(PARTS, 1)
        assert self.parts(instance_id) == list(PARTS)
        assert self.effects(instance_id, 'started')['prepare'] == 1
        self.check_quota(instance_id)

    def check_quota(self, instance_id):
        """The quota counts what there is: the server's real flavor, the volume's real size."""
        provider = self.place.provider()
        record = self.instance(instance_id)
        server = provider.find_server(instance_id)
        ram = {flavor.id: flavor.ram for flavor in provider.list_flavors()}[server.flavor_id]
        (size,) = (one.size for one in provider.list_volumes() if one.instance_id == instance_id)
        assert (record.flavor_id, record.volume_size) == (server.flavor_id, size)
        assert record.quota_charge == {'instances': 1, 'ram': ram, 'volumes': size}
        assert self.usage(instance_id) == record.quota_charge

    def parts(self, instance_id):
        """Return which things there are outside of an instance."""
        return [part for part in PARTS if self.outside.path(instance_id, part).exists()]

    def check_nothing_outside(self, instance_id):
        """Nothing is left outside, nothing was made twice, and the quota counts nothing."""
        assert self.parts(instance_id) == []
        made, deleted = self.effects(instance_id, 'made'), self.effects(instance_id, 'deleted')
        assert {part: made[part] for part in made if part in PARTS} == deleted
        assert all(count == 1 for count in deleted.values())
        assert self.usage(instance_id) == {}

    def check_deleted(self, instance_id):
        self._check_no_records(instance_id)
        self.check_nothing_outside(instance_id)

    def check_deleted_in_the_end(self, instance_id):
        """The same for what may have been made and deleted more than once."""
        self._check_no_records(instance_id)
        assert self.parts(instance_id) == []
        assert self.effects(instance_id, 'made') == self.effects(instance_id, 'deleted')
        assert self.usage(instance_id) == {}

    def _check_no_records(self, instance_id):
        record = self.instance(instance_id)
        assert (record.is_deleted, record.addresses, record.quota_charge) == (True, [], None)
        assert record.hostname is None
        with get_db_api().reading() as reader:
            assert reader.get(models.ServiceStatus, instance_id) is None
            assert reader.get(models.GuestKey, instance_id) is None
            jobs = sa.select(models.GuestJob).where(tables.guest_jobs.c.instance_id == instance_id)
            assert reader.execute(jobs).first() is None


def _write_catalogue(writer):
    writer.add(models.Datastore(id='acme', name='acme', default_version_id='acme-1'))
    writer.flush()
    writer.add(
        models.DatastoreVersion(
            id='acme-1',
            datastore_id='acme',
            name='1',
            version='1',
            manager=MANAGER,
            image_tags='',
            packages='',
            is_active=True,
        )
    )
    for flavor in (provider_double.FLAVOR, provider_double.LARGE_FLAVOR):
        writer.add(models.Flavor(**dataclasses.asdict(flavor)))


def clock():
    """Return the clock that all processes of a world share."""
    return trove_clock.Clock()
