"""Moves an instance to another host."""

from typing import ClassVar

from trove.compute import base as compute
from trove.instance.flows import moving, records
from trove.taskmanager import operation as vocabulary


class MigrateInstance(moving.ServerMove, vocabulary.Operation):
    """Migrates a server, to a host of the administrator's choice if one was named."""

    KIND: ClassVar[str] = 'migrate_instance'
    NAME: ClassVar[str] = 'The migration'

    def move(self, subject: records.Subject) -> compute.Server:
        return self.provider.migrate_server(self.subject_id, self.claim.spec.get('host'))

    def has_moved(self, server: compute.Server) -> bool:
        wanted = self.claim.spec.get('host')
        if wanted:
            return server.host == wanted
        return bool(server.host) and server.host != self.claim.spec.get('old_host')
