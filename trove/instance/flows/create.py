"""From an accepted request to a database that answers."""

import functools
from typing import Any, ClassVar

import jinja2
from oslo_log import log as logging

from trove.common import states, wire
from trove.compute import base as compute
from trove.datastore import descriptions
from trove.guestagent import requests
from trove.instance import spec as instance_spec
from trove.instance.flows import guest_job, providing, records
from trove.quota import models as quota_models
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Done, Fail, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

SERVER_POLL_SECONDS = 1.0
GUEST_POLL_SECONDS = 10.0
SERVING = (states.RUNNING.description, states.HEALTHY.description)

TASK_OF_STEP = {
    'make_address': states.Tasks.BUILDING_ERROR_PORT,
    'make_volume': states.Tasks.BUILDING_ERROR_VOLUME,
    'boot_server': states.Tasks.BUILDING_ERROR_SERVER,
    'await_server': states.Tasks.BUILDING_ERROR_SERVER,
}
"""What an error in a step is called; errors of later steps are the guest's."""


class CreateInstance(vocabulary.Operation):
    """Builds an instance: address, volume, server, and the database in its guest."""

    KIND: ClassVar[str] = 'create_instance'
    STEPS: ClassVar[tuple[str, ...]] = (
        'make_address',
        'make_volume',
        'boot_server',
        'await_server',
        'await_guest',
        'prepare_datastore',
        'await_ready',
        'finish',
    )

    def make_address(self) -> Outcome:
        request = self._request(records.read(self.subject_id))
        found = providing.attempt(lambda: self.provider.make_address(request))
        addresses = [{'address': one.address, 'type': one.type, 'network': one.network} for one in found]
        with self.write() as session:
            records.change(session, self.subject_id, addresses=addresses)
        return Next('make_volume')

    def make_volume(self) -> Outcome:
        request = self._request(records.read(self.subject_id))
        volume = providing.attempt(lambda: self.provider.make_volume(request))
        if volume is not None:
            with self.write() as session:
                records.change(session, self.subject_id, is_volume_enforced=volume.is_enforced)
        return Next('boot_server')

    def boot_server(self) -> Outcome:
        server = providing.attempt(lambda: self._boot(records.read(self.subject_id)))
        with self.write() as session:
            records.change(session, self.subject_id, server_id=server.id, server_status=server.status)
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
            records.change(session, self.subject_id, server_status=server.status)
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
        if not providing.remove(self.provider, self.subject_id):
            return Wait(SERVER_POLL_SECONDS)
        record = records.read_record(self.subject_id)
        with self.write() as session:
            records.change(session, self.subject_id, server_status=states.ServerStatus.DELETED, addresses=[])
            quota_models.release(session, record)
        return Done()

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
        return providing.request_of(subject, self.tools.conf, self.spec.nics, image)

    def _boot(self, subject: records.Subject) -> compute.Server:
        image = self.provider.find_image(subject.version.image_id, providing.tags_of(subject))
        request = self._request(subject, image)
        # Both are found again by their names; a make is a find when it was made.
        addresses = self.provider.make_address(request)
        return self.provider.make_server(request, addresses, self.provider.make_volume(request))

    def _prepare_request(self, subject: records.Subject) -> requests.PrepareRequest:
        secrets: dict[str, Any] = self.tools.sealer.open(self.claim.sealed or '')
        users = [
            {**user, 'password': password} for user, password in zip(self.spec.users, secrets['users'], strict=True)
        ]
        return requests.PrepareRequest(
            datastore_version=subject.version.version,
            memory_mb=subject.flavor.ram,
            config_contents=self._render(subject),
            databases=self.spec.databases,
            users=users,
            root_password=secrets['root'],
        )

    def _render(self, subject: records.Subject) -> str:
        source = descriptions.find(self.tools.conf, subject.version.manager).template()
        return _compile(source).render(
            flavor={'ram': subject.flavor.ram, 'vcpus': subject.flavor.vcpus},
            datastore={'name': subject.version.manager, 'version': subject.version.version},
        )


@functools.cache
def _compile(source: str) -> jinja2.Template:
    # Compiling costs more than a whole step, and there is one template for each datastore.
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(source)
