"""How a flow has a guest do something: ask until the end of the named job is known."""

from collections.abc import Callable
from typing import Any

from oslo_log import log as logging

from trove.common import rpc
from trove.instance.flows import records
from trove.taskmanager import operation as vocabulary

LOG = logging.getLogger(__name__)


def ask(operation: vocabulary.Operation, name: str, cast: Callable[[Any, str], None]) -> vocabulary.Outcome | None:
    """Cast a job until its end is reported; return ``Wait`` until then, None when it ended well.

    The bus may lose a cast, and a guest may be killed in the middle of the job. The
    guest starts a job once however often it is asked, and reports the end again. Raises
    ``Fail`` with the guest's reason.
    """
    job_id = operation.job_id(name)
    job = records.find_job(job_id)
    if job is not None:
        if job.error is not None:
            raise vocabulary.Fail(job.error)
        return None
    guest = operation.tools.guest(operation.subject_id)
    try:
        cast(guest, job_id)
    except rpc.BusError as error:
        LOG.warning('Job %s could not be cast, the bus is away: %s', job_id, type(error).__name__)
    return vocabulary.Wait(operation.tools.conf.guest_job_repeat_seconds)
