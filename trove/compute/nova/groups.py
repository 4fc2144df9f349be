"""Server groups: how near to each other servers live."""

import logging
from typing import Any

from trove.compute.nova import clients, errors, names

LOG = logging.getLogger(__name__)


class ServerGroups:
    """The group that is named after an instance."""

    def __init__(self, cloud: clients.Clients) -> None:
        self._cloud = cloud

    def make(self, instance_id: str, policy: str) -> str:
        """Return the id of the instance's group, making it first if need be; the caller holds the slot."""
        found = self._find(instance_id)
        if found:
            return str(found[0].id)
        with errors.told('Making the server group'):
            made = self._cloud.nova(clients.WRITING).server_groups.create(names.of_instance(instance_id), policy)
        LOG.info('The server group of instance %s was made', instance_id)
        return str(made.id)

    def delete(self, instance_id: str) -> None:
        """Delete the group of an instance, unless other servers are in it."""
        for group in self._find(instance_id):
            if not group.members:
                with errors.told('Deleting the server group'), errors.missing_is_fine():
                    self._cloud.nova(clients.WRITING).server_groups.delete(group.id)

    def _find(self, instance_id: str) -> list[Any]:
        name = names.of_instance(instance_id)
        found: list[Any] = []
        with errors.told('Looking for the server group'):
            while True:
                page = self._cloud.nova(clients.WRITING).server_groups.list(offset=len(found))
                found.extend(page)
                if not page:
                    break
        return sorted((group for group in found if group.name == name), key=lambda group: group.id)
