"""What operations share that take a database down, have something done to its server, and bring it back."""

from typing import ClassVar

from oslo_log import log as logging
from sqlalchemy import orm

from trove.common import states, wire
from trove.compute import base as compute
from trove.db import models
from trove.guestagent import requests
from trove.instance.flows import guest_job, providing, records, templates
from trove.taskmanager import operation
from trove.taskmanager.operation import Done, Fail, Next, Outcome, Wait

LOG = logging.getLogger(__name__)

SERVER_POLL_SECONDS = 1.0
GUEST_POLL_SECONDS = 10.0
SERVING = (states.RUNNING.description, states.HEALTHY.description)

NO_REASON = 'the provider gave no reason'


class Downtime(operation.Operation):
    """An operation whose story begins with ``stop_database`` and ends with ``start_database`` and ``finish``.

    A failure starts the database again if its server is there, and tells the tenant
    by a fault what became of the instance.
    """

    NAME: ClassVar[str]
    """What a fault calls the operation."""

    MUST_STOP: ClassVar[bool] = False
    """Whether the operation fails when the database is not stopped; else its server ends it the hard way."""

    MAX_ATTEMPTS: ClassVar[int] = 60

    # -- steps ------------------------------------------------------------------------------

    def stop_database(self) -> Outcome:
        since = self.memo.setdefault('stopping_since', self.tools.clock.time())
        limit = self.tools.conf.database_stop_time_out
        try:
            waiting = guest_job.ask(self, 'stop_db', lambda guest, job_id: guest.stop_db(self.context, job_id))
        except Fail as failure:
            return self._not_stopped(str(failure))
        if waiting is None:
            return self.after('stop_database')
        if self.tools.clock.time() - since < limit:
            return waiting
        return self._not_stopped(f'its guest did not say within {limit} seconds that the database was stopped')

    def _not_stopped(self, reason: str) -> Outcome:
        if self.MUST_STOP:
            raise Fail(f'{reason}; nothing was changed')
        LOG.warning('The database of instance %s was not stopped, its server ends it: %s', self.subject_id, reason)
        return self.after('stop_database')

    def start_database(self) -> Outcome:
        """Start the database and wait for a heartbeat that was sent after that and tells that it serves."""
        return self.ask_to_start('start_db', self.flavor()) or self.await_beat() or self.after('start_database')

    def finish(self) -> Outcome:
        server = self.find_server()
        with self.write() as session:
            self.end(session, server)
            records.change(session, self.subject_id, task_code=states.Tasks.NONE.code, **records.NO_FAULT)
        LOG.info('%s of instance %s has ended well', self.NAME, self.subject_id)
        return Done()

    # -- failing ----------------------------------------------------------------------------

    def failed(self, reason: str) -> Outcome:
        """Bring the database back on the server there is, for a limited time, and show the fault."""
        server = self.find_server()
        until = self.memo.setdefault('undo_until', self.tools.clock.time() + self.tools.conf.revert_time_out)
        if self.tools.clock.time() < until:
            waiting = self.undo(server)
            if waiting is not None:
                return waiting
        message = f'{self.NAME} failed in step {self.memo.get("failed_step")}: {reason}. {self.advice(server)}'
        with self.write() as session:
            self.end(session, server)
            records.write_fault(session, self.subject_id, self.failure_task(), message)
        return Done()

    def undo(self, server: compute.Server | None) -> Outcome | None:
        """Go back to a server that runs with its database; ``Wait`` until it does, None when no more can be done."""
        if server is None or server.status in (states.ServerStatus.ERROR, states.ServerStatus.SHUTOFF):
            return None
        if server.status != states.ServerStatus.ACTIVE:
            return Wait(SERVER_POLL_SECONDS)
        return self.start_again()

    def start_again(self) -> Outcome | None:
        """Start the database as it was; ``Wait`` until the guest has said how that ended."""
        try:
            waiting = self.ask_to_start('start_again', None)
        except Fail as failure:
            self.memo['not_started'] = str(failure)
            return None
        self.memo['is_started'] = waiting is None
        return waiting

    def failure_task(self) -> states.TaskStatus:
        """Return the task that a failure leaves: the instance is free for others."""
        return states.Tasks.NONE

    def advice(self, server: compute.Server | None) -> str:
        """Return how the instance is now, and what to do."""
        if server is None:
            return 'Its server is gone; restore a backup or ask the operator.'
        if server.status != states.ServerStatus.ACTIVE:
            return f'Its server is {server.status} ({server.fault or NO_REASON}); ask the operator to repair it.'
        if 'not_started' in self.memo:
            return f'Its database could not be started again: {self.memo["not_started"]}. Restart it.'
        if not self.memo.get('is_started'):
            return 'Its guest has not said that the database was started again; look at the operating status.'
        return 'Its database was started again as it was.'

    # -- what the steps are made of -----------------------------------------------------------

    def end(self, session: orm.Session, server: compute.Server | None) -> None:
        """Write down what the server has become, in the transaction that ends the operation."""
        records.write_server(session, self.subject_id, server)

    @property
    def provider(self) -> compute.Provider:
        """Where servers live."""
        provider: compute.Provider = self.tools.provider
        return provider

    def after(self, step: str) -> Next:
        """Return the way to the step that follows in the story; when it began is kept with it."""
        self.memo['began_at'] = self.tools.clock.time()
        return Next(self.STEPS[self.STEPS.index(step) + 1])

    def flavor(self) -> models.Flavor | None:
        """Return the flavor that the database is started for; None is the instance's own."""
        return None

    def find_server(self) -> compute.Server | None:
        """Return the server as it is now."""
        return providing.attempt(lambda: self.provider.find_server(self.subject_id))

    def active_server(self) -> compute.Server | None:
        """Return the server once it is ACTIVE, None while it is on its way; ``Fail`` when it will not be."""
        server = self.find_server()
        if server is None:
            raise Fail('the server is gone')
        if server.status == states.ServerStatus.ERROR:
            raise Fail(f'the server is in error: {server.fault or NO_REASON}')
        return server if server.status == states.ServerStatus.ACTIVE else None

    def ask_to_start(self, job: str, flavor: models.Flavor | None) -> Outcome | None:
        """Have the guest start the database with its configuration for a flavor; ``Wait`` until it has."""
        contents = templates.render(self.tools.conf, records.read(self.subject_id), flavor)
        request = wire.pack(requests.StartRequest(contents))
        return guest_job.ask(
            self, job, lambda guest, job_id: guest.start_db_with_conf_changes(self.context, job_id, request)
        )

    def await_beat(self) -> Outcome | None:
        """``Wait`` for a heartbeat that was sent after the step began and tells that the database serves."""
        service = records.read(self.subject_id).service
        if service.sent < self.memo['began_at'] or service.description not in SERVING:
            return Wait(GUEST_POLL_SECONDS)
        return None
