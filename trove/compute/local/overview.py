"""All instances of this host at once, and bringing back those that ought to run."""

import datetime
import logging
from typing import Any

from trove.common import exception
from trove.compute import base
from trove.compute.local import home, parts, records, servers

LOG = logging.getLogger(__name__)


class LocalOverview(parts.Parts, base.Overview):
    """Reads the folders of all instances; what changed since a moment is not known, so that all are listed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._failures: dict[str, str] = {}

    def list_servers(self, changed_since: datetime.datetime | None = None) -> list[base.Server]:
        found = []
        for place in map(self._home, home.list_ids(self._path)):
            record = records.load(place.folder)
            if record is not None:
                found.append(self._servers.describe(place, record))
        return found

    def list_volumes(self) -> list[base.Volume]:
        found = []
        for place in map(self._home, home.list_ids(self._path)):
            record = records.load_volume(place.folder)
            if record is not None:
                found.append(self._backends.describe(place.instance_id, record))
        return found

    def list_instance_ids(self) -> list[str]:
        return sorted({*home.list_ids(self._path), *self._book.holders()})

    def tidy(self) -> None:
        # Whatever is found half made is finished or deleted by the operation that made it.
        return

    def resume_servers(self) -> list[str]:
        resumed = []
        for place in map(self._home, home.list_ids(self._path)):
            if not self._servers.is_missed(place, forgotten_after_seconds=2 * servers.RESTART_LIMIT_SECONDS):
                continue
            try:
                self._resume(place)
            except exception.ComputeError as error:
                self._tell_failure(place.instance_id, str(error))
            else:
                LOG.info('The server of instance %s was resumed', place.instance_id)
                self._failures.pop(place.instance_id, None)
                resumed.append(place.instance_id)
        return resumed

    def _resume(self, place: home.Home) -> None:
        with self.locks.held(place.instance_id):
            self._servers.start(place)

    def _tell_failure(self, instance_id: str, failure: str) -> None:
        # Resuming is tried every few seconds; the same failure is told once.
        if self._failures.get(instance_id) != failure:
            LOG.error('The server of instance %s could not be resumed: %s', instance_id, failure)
        self._failures[instance_id] = failure
