"""Gives an instance another flavor."""

from typing import ClassVar

from sqlalchemy import orm

from trove.common import states
from trove.compute import base as compute
from trove.db import models
from trove.instance.flows import moving, providing, records
from trove.quota import models as quota_models
from trove.taskmanager import operation as vocabulary
from trove.taskmanager.operation import Fail


class ResizeInstance(moving.ServerMove, vocabulary.Operation):
    """Resizes a server. Whatever happens, flavor and quota are in the end those that the server really has."""

    KIND: ClassVar[str] = 'resize_instance'
    NAME: ClassVar[str] = 'The resize'
    MUST_STOP: ClassVar[bool] = True

    def move(self, subject: records.Subject) -> compute.Server:
        return self.provider.resize_server(self.subject_id, providing.flavor_of(self.flavor()))

    def has_moved(self, server: compute.Server) -> bool:
        return server.flavor_id == self.claim.spec['flavor_id']

    def flavor(self) -> models.Flavor:
        """Return the wanted flavor."""
        flavor = records.read_flavor(self.claim.spec['flavor_id'])
        if flavor is None:
            raise Fail(f'flavor {self.claim.spec["flavor_id"]} is not offered any more')
        return flavor

    def end(self, session: orm.Session, server: compute.Server | None) -> None:
        super().end(session, server)
        # Since the request the larger of both flavors is charged.
        name = 'flavor_id' if server is not None and self.has_moved(server) else 'old_flavor_id'
        flavor_id = self.claim.spec[name]
        records.change(session, self.subject_id, flavor_id=flavor_id)
        flavor = session.get(models.Flavor, flavor_id)
        if flavor is not None:
            quota_models.recharge(session, self.subject_id, {'ram': flavor.ram})

    def advice(self, server: compute.Server | None) -> str:
        text = super().advice(server)
        if server is None or server.status != states.ServerStatus.ACTIVE:
            return text
        if self.has_moved(server):
            return f'{text} It has flavor {self.claim.spec["flavor_id"]}.'
        return f'{text} It has flavor {self.claim.spec["old_flavor_id"]} as before; choose another one, or try again.'
