"""Records: one class per table, without rules. The rooms hold the rules."""

import datetime
from typing import Any


class Record:
    """Base of all records; the attributes are the columns of the mapped table."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Datastore(Record):
    """A kind of database that can be asked for."""

    id: str
    name: str
    default_version_id: str | None


class DatastoreVersion(Record):
    """One version of a datastore; ``manager`` names its plug."""

    id: str
    datastore_id: str
    name: str
    version: str
    manager: str
    image_id: str | None
    image_tags: str
    packages: str
    is_active: bool
    registry_ext: str | None
    repl_strategy: str | None


class DatastoreParameter(Record):
    """A configuration parameter that a tenant may set on a datastore version."""

    id: str
    datastore_version_id: str
    name: str
    data_type: str
    min_size: str | None
    max_size: str | None
    restart_required: bool


class Flavor(Record):
    """A size of server, as the provider last told. ``ram`` is MiB, ``disk`` GB."""

    id: str
    name: str
    ram: int
    vcpus: int
    disk: int
    ephemeral: int


class Instance(Record):
    """A database instance and what the provider last told of its server.

    ``addresses`` is a list of ``{"address", "type", "network"}``; ``quota_charge``
    what the instance holds of its project's quota, ``{resource: amount}`` or None.
    """

    id: str
    name: str
    project_id: str
    user_id: str | None
    datastore_version_id: str
    flavor_id: str
    volume_size: int | None
    volume_type: str | None
    is_volume_enforced: bool | None
    task_code: int
    server_id: str | None
    server_status: str | None
    server_host: str | None
    volume_id: str | None
    hostname: str | None
    locality: str | None
    addresses: list[dict[str, Any]]
    access: dict[str, Any]
    availability_zone: str | None
    region: str | None
    quota_charge: dict[str, int] | None
    fault_message: str | None
    fault_details: str | None
    fault_created: datetime.datetime | None
    created: datetime.datetime
    updated: datetime.datetime
    is_deleted: bool
    deleted_at: datetime.datetime | None


class ServiceStatus(Record):
    """What the guest of an instance last reported; ``volume`` is its statistics, ``seen`` which messages came."""

    instance_id: str
    description: str
    is_prepared: bool
    volume: dict[str, Any] | None
    sent: float
    seen: list[list[Any]] | None
    updated: datetime.datetime


class GuestKey(Record):
    """The key by which the guest of an instance and the control plane speak, sealed; see ``trove.db.guest_keys``."""

    instance_id: str
    number: int
    sealed: str
    next_sealed: str | None
    created: datetime.datetime


class GuestJob(Record):
    """The end of a named job on a guest, as the guest reported it."""

    job_id: str
    instance_id: str
    error: str | None
    ended_at: datetime.datetime


class Quota(Record):
    """A project's own limit of one resource; without a row the default holds."""

    project_id: str
    resource: str
    hard_limit: int


class QuotaUsage(Record):
    """How much of one resource a project uses."""

    project_id: str
    resource: str
    in_use: int


class RootHistory(Record):
    """Who enabled root and when; ``active_key`` is the instance id while it is enabled."""

    id: str
    instance_id: str
    active_key: str | None
    user_id: str | None
    enabled_at: datetime.datetime
    disabled_at: datetime.datetime | None


class Operation(Record):
    """One durable piece of work; see ``trove.db.operations``. Times are UTC epoch seconds."""

    id: str
    kind: str
    subject_id: str
    project_id: str | None
    active_key: str | None
    after_id: str | None
    state: str
    step: str
    spec: dict[str, Any]
    memo: dict[str, Any]
    sealed: str | None
    attempts: int
    is_cancelled: bool
    wake_at: float | None
    deadline_at: float
    lease_until: float | None
    lease_token: str | None
    progress: int
    error: str | None
    request_id: str | None
    created: datetime.datetime
    updated: datetime.datetime
    finished_at: datetime.datetime | None
