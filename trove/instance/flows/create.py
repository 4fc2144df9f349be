"""From an accepted request to a database that answers."""

from typing import Any, ClassVar

from oslo_log import log as logging

from trove.common import states, wire
from trove.compute import base as compute
from trove.guestagent import requests
from trove.instance import spec as instance_spec
from trove.instance.flows import accounts, clear, guest_job, naming, providing, records, templates
from trove.quota import models as quota_models
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Fail, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

SERVER_POLL_SECONDS = 1.0
VOLUME_POLL_SECONDS = 1.0
GUEST_POLL_SECONDS = 10.0
SERVING = (states.RUNNING.description, states.HEALTHY.description)

ROOT_SECRET = 'root'
"""Name under which the key store keeps the password of root."""

TASK_OF_STEP = {
    'make_address': states.Tasks.BUILDING_ERROR_PORT,
    'make_record': states.Tasks.BUILDING_ERROR_DNS,
    'make_volume': states.Tasks.BUILDING_ERROR_VOLUME,
    'make_account': states.Tasks.BUILDING_ERROR_SERVER,
    'boot_server': states.Tasks.BUILDING_ERROR_SERVER,
    'await_server': states.Tasks.BUILDING_ERROR_SERVER,
}
"""What an error in a step is called; errors of later steps are the guest's."""


class CreateInstance(vocabulary.Operation):
    """Builds an instance: address, name, volume, server, and the database in its guest."""

    KIND: ClassVar[str] = 'create_instance'
    STEPS: ClassVar[tuple[str, ...]] = (
        'make_address',
        'make_record',
        'keep_secrets',
        'make_volume',
        'make_account',
        'boot_server',
        'await_server',
        'await_guest',
        'prepare_datastore',
        'await_ready',
        'finish',
    )
    # One step asks the provider several times and begins anew when one of them is refused: time ends it before this.
    MAX_ATTEMPTS: ClassVar[int] = 60

    def make_address(self) -> Outcome:
        request = self._request(records.read(self.subject_id))
        found = providing.attempt(lambda: self.provider.make_address(request))
        with self.write() as session:
            records.change(session, self.subject_id, addresses=providing.addresses_of(found))
        return Next('make_record')

    def make_record(self) -> Outcome:
        hostname = naming.make_record(self)
        with self.write() as session:
            records.change(session, self.subject_id, hostname=hostname)
        return Next('keep_secrets')

    def keep_secrets(self) -> Outcome:
        # A worker that was held up must keep nothing for what is deleted: that has no row to read.
        records.read(self.subject_id)
        password = self._secrets()['root']
        if password is not None:
            providing.attempt(lambda: self.tools.keystore.keep(self.subject_id, ROOT_SECRET, password))
        return Next('make_volume')

    def make_volume(self) -> Outcome:
        request = self._request(records.read(self.subject_id))
        volume = providing.attempt(lambda: self.provider.make_volume(request))
        if volume is None:
            return Next('make_account')
        if not volume.is_ready:
            return Wait(VOLUME_POLL_SECONDS)
        with self.write() as session:
            records.change(session, self.subject_id, volume_id=volume.id, is_volume_enforced=volume.is_enforced)
        return Next('make_account')

    def make_account(self) -> Outcome:
        accounts.make(self)
        return Next('boot_server')

    def boot_server(self) -> Outcome:
        subject = records.read(self.subject_id)
        if subject.key is None:
            # The build was begun by an earlier release.
            return Next('make_account')
        server = providing.attempt(lambda: self._boot(subject))
        with self.write() as session:
            records.write_server(session, self.subject_id, server)
        return Next('await_server')

    def await_server(self) -> Outcome:
        server = providing.attempt(lambda: self.provider.find_server(self.subject_id))
        if server is None:
            return Next('boot_server')
        if server.status == states.ServerStatus.ERROR:
            raise Fail(f'the server could not be started: {server.fault or "the provider gave no reason"}')
        if server.status != states.ServerStatus.ACTIVE:
            return Wait(SERVER_POLL_SECONDS)
        with self.write() as session:
            records.write_server(session, self.subject_id, server)
        return Next('await_guest')

    def await_guest(self) -> Outcome:
        # Before its first heartbeat nobody listens to the guest's topic, and what is cast is lost.
        if records.read(self.subject_id).service.sent == 0:
            return Wait(GUEST_POLL_SECONDS)
        return Next('prepare_datastore')

    def prepare_datastore(self) -> Outcome:
        request = wire.pack(self._prepare_request(records.read(self.subject_id)))
        waiting = guest_job.ask(self, 'prepare', lambda guest, job_id: guest.prepare(self.context, job_id, request))
        return waiting or Next('await_ready')

    def await_ready(self) -> Outcome:
        service = records.read(self.subject_id).service
        if not service.is_prepared or service.description not in SERVING:
            return Wait(GUEST_POLL_SECONDS)
        return Next('finish')

    def finish(self) -> Outcome:
        with self.write() as session:
            records.change(session, self.subject_id, task_code=states.Tasks.NONE.code)
        LOG.info('Instance %s was created', self.subject_id)
        return Done()

    def failed(self, reason: str) -> Outcome:
        """Show the fault and give back what the instance will never use; its row stays until it is deleted."""
        step = str(self.memo.get('failed_step'))
        task = TASK_OF_STEP.get(step, states.Tasks.BUILDING_ERROR_TIMEOUT_GA)
        message = f'The build failed in step {step}: {reason}. Delete the instance and create it again.'
        with self.write() as session:
            records.write_fault(session, self.subject_id, task, message)
        is_removed = providing.remove(self.provider, self.subject_id) and accounts.remove(self)
        if not (is_removed and naming.remove(self)):
            return Wait(SERVER_POLL_SECONDS)
        record = records.read_record(self.subject_id)
        gone: dict[str, Any] = {'server_status': states.ServerStatus.DELETED, 'addresses': [], 'hostname': None}
        with self.write() as session:
            records.change(session, self.subject_id, **gone)
            quota_models.release(session, record)
        return Done()

    def lost(self) -> None:
        clear.submit(self)

    # -- what the steps are made of -----------------------------------------------------------

    @property
    def provider(self) -> compute.Provider:
        """Where servers live."""
        provider: compute.Provider = self.tools.provider
        return provider

    @property
    def spec(self) -> instance_spec.InstanceSpec:
        """What the tenant asked for."""
        return wire.unpack(instance_spec.InstanceSpec, self.claim.spec)

    def _request(self, subject: records.Subject, image: compute.Image | None = None) -> compute.ServerRequest:
        return providing.request_of(subject, self.tools, self.spec.nics, image)

    def _boot(self, subject: records.Subject) -> compute.Server:
        image = self.provider.find_image(subject.version.image_id, providing.tags_of(subject))
        request = self._request(subject, image)
        # Both are found again by their names; a make is a find when it was made.
        addresses = self.provider.make_address(request)
        return self.provider.make_server(request, addresses, self.provider.make_volume(request))

    def _prepare_request(self, subject: records.Subject) -> requests.PrepareRequest:
        secrets = self._secrets()
        users = [
            {**user, 'password': password} for user, password in zip(self.spec.users, secrets['users'], strict=True)
        ]
        return requests.PrepareRequest(
            datastore_version=subject.version.version,
            memory_mb=subject.flavor.ram,
            config_contents=templates.render(self.tools.conf, subject),
            databases=self.spec.databases,
            users=users,
            root_password=secrets['root'],
        )

    def _secrets(self) -> dict[str, Any]:
        """Return ``{"users": [password], "root": password or None}``."""
        secrets: dict[str, Any] = self.tools.sealer.open(self.claim.sealed or '')
        return secrets
