"""Makes the server of an instance anew from another image; its data stay on their volume."""

from typing import ClassVar

from trove.common import states, wire
from trove.compute import base as compute
from trove.guestagent import requests
from trove.instance.flows import accounts, downtime, guest_job, providing, records, templates
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Outcome, Wait


class RebuildInstance(downtime.Downtime, vocabulary.Operation):
    """Rebuilds a server. Once that has begun there is no way back, only another rebuild."""

    KIND: ClassVar[str] = 'rebuild_instance'
    NAME: ClassVar[str] = 'The rebuild'
    STEPS: ClassVar[tuple[str, ...]] = (
        'find_image',
        'make_account',
        'stop_database',
        'rebuild_server',
        'await_server',
        'rebuild_guest',
        'finish',
    )

    def find_image(self) -> Outcome:
        """Look for the image while nothing is lost yet."""
        self._image()
        return self.after('find_image')

    def make_account(self) -> Outcome:
        """Give the guest what it speaks by; an instance of an earlier release has nothing yet."""
        accounts.make(self)
        return self.after('make_account')

    def rebuild_server(self) -> Outcome:
        server = self.find_server()
        if server is None or server.status != states.ServerStatus.REBUILD:
            subject = records.read(self.subject_id)
            request = providing.request_of(subject, self.tools, [], self._image())
            self.keep_hold()
            providing.attempt(lambda: self.provider.rebuild_server(request))
        return self.after('rebuild_server')

    def await_server(self) -> Outcome:
        if self.active_server() is None:
            return Wait(downtime.SERVER_POLL_SECONDS)
        return self.after('await_server')

    def rebuild_guest(self) -> Outcome:
        subject = records.read(self.subject_id)
        request = wire.pack(
            requests.RebuildRequest(subject.version.version, templates.render(self.tools.conf, subject))
        )
        waiting = guest_job.ask(self, 'rebuild', lambda guest, job_id: guest.rebuild(self.context, job_id, request))
        return waiting or self.await_beat() or self.after('rebuild_guest')

    # -- failing ----------------------------------------------------------------------------

    def undo(self, server: compute.Server | None) -> Outcome | None:
        return None if self._has_begun() else super().undo(server)

    def failure_task(self) -> states.TaskStatus:
        return states.Tasks.BUILDING_ERROR_SERVER if self._has_begun() else states.Tasks.NONE

    def advice(self, server: compute.Server | None) -> str:
        if not self._has_begun():
            return super().advice(server)
        return 'Its data are on its volume still; rebuild it again, from another image if need be.'

    def _has_begun(self) -> bool:
        return self.memo.get('failed_step') not in ('find_image', 'make_account', 'stop_database')

    def _image(self) -> compute.Image:
        return providing.attempt(lambda: self.provider.find_image(self.claim.spec['image_id']))
