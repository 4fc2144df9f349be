"""Named jobs: work that is started once however often it is asked for, and whose end is told until it is heard."""

import os
import threading
import time
import urllib.parse
from collections.abc import Callable

from oslo_log import log as logging

from trove.common import context as trove_context
from trove.common import exception
from trove.guestagent.system import files

LOG = logging.getLogger(__name__)

RUNNING = 'RUNNING'
DONE = 'DONE'
FAILED = 'FAILED'

Work = Callable[[], None]
Report = Callable[[trove_context.TroveContext, str, str | None], bool]


class Jobs:
    """Runs jobs one after the other, each in a thread, with a private state file per job.

    The file holds no request, as requests hold secrets: a job that was cut off
    by the end of the agent runs again when the control plane asks for it again,
    which it does until it learns of the end.
    """

    def __init__(self, folder: str, report: Report, retry_seconds: float = 1.0) -> None:
        """``report(context, job_id, error)`` tells of an end and returns whether that got out."""
        self._folder = folder
        self._report = report
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        files.make_folder(folder)

    def start(self, context: trove_context.TroveContext, job_id: str, work: Work) -> None:
        """Start a job and return at once; tell again when it ended already; nothing when it runs."""
        with self._lock:
            if job_id in self._threads:
                return
            thread = threading.Thread(target=self._run, args=(context, job_id, work), name=f'job {job_id}', daemon=True)
            self._threads[job_id] = thread
        thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Wait for the running jobs; return whether none is left. What is not told yet is told when asked again."""
        self._stopping.set()
        deadline = time.monotonic() + timeout_seconds
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(self, context: trove_context.TroveContext, job_id: str, work: Work) -> None:
        try:
            with self._turn:
                error = self._once(job_id, work)
            while not self._report(context, job_id, error) and not self._stopping.wait(self._retry_seconds):
                LOG.debug('The end of job %s did not get out and is told again', job_id)
        finally:
            with self._lock:
                del self._threads[job_id]

    def _once(self, job_id: str, work: Work) -> str | None:
        """Return the text of the job's error, running the job unless it ended already."""
        state = files.read_json(self._path(job_id))
        if state is not None and state['state'] != RUNNING:
            error: str | None = state['error']
            return error
        files.write_json(self._path(job_id), {'state': RUNNING, 'error': None})
        error = self._carry_out(job_id, work)
        files.write_json(self._path(job_id), {'state': DONE if error is None else FAILED, 'error': error})
        return error

    @staticmethod
    def _carry_out(job_id: str, work: Work) -> str | None:
        """Run a job and return the text of its error. This is a border: nothing may escape it."""
        try:
            work()
        except exception.TroveError as error:
            LOG.exception('Job %s failed', job_id)
            return str(error)
        except Exception as error:
            LOG.exception('Job %s failed unexpectedly', job_id)
            return f'unexpected {type(error).__name__}; the log of the guest agent tells more'
        LOG.info('Job %s ended well', job_id)
        return None

    def _path(self, job_id: str) -> str:
        return os.path.join(self._folder, f'{urllib.parse.quote(job_id, safe="")}.json')
