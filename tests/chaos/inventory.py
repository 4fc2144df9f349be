"""What is wrong in the end: a pure function over what was accepted, what the ledger tells and what there is.

A request was *lost* when it was accepted and did not end, or ended and its state does not
fit; something is *duplicated* when it was done or is there more often than it was asked for;
*orphaned* is what is there without an instance that has it.
"""

import collections
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.chaos import ground, guests, plan
from tests.fixtures import provider_double
from trove.common import states
from trove.db import models
from trove.db import operations as ledger

LOST, DUPLICATED, ORPHANED = 'lost', 'duplicated', 'orphaned'
KINDS = (LOST, DUPLICATED, ORPHANED)

KIND_OF_VERB: Mapping[str, str] = {
    plan.CREATE: 'create_instance',
    plan.DELETE: 'delete_instance',
    plan.RESTART: 'restart_instance',
    plan.RESIZE: 'resize_instance',
    plan.GROW: 'grow_instance',
    plan.REBOOT: 'reboot_instance',
    plan.RENAME: 'rename_instance',
    plan.ACCESS: 'update_access',
}
JOBS: Mapping[str, tuple[str, ...]] = {
    'create_instance': ('prepare',),
    'restart_instance': ('restart',),
    'resize_instance': ('stop_db', 'start_db'),
    'reboot_instance': ('start_db',),
    'grow_instance': ('resize_fs',),
}
"""What the guest has done once when an operation succeeded."""
RAM = {flavor.id: flavor.ram for flavor in (provider_double.FLAVOR, provider_double.LARGE_FLAVOR)}


@dataclasses.dataclass(frozen=True)
class Ask:
    """A request that was accepted: 2xx to something that changes."""

    request: plan.Request
    instance_id: str
    request_id: str


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All that the judgement is made of."""

    asks: Sequence[Ask]
    operations: Sequence[models.Operation]
    instances: Mapping[str, models.Instance]
    usages: Sequence[models.QuotaUsage]
    things: Mapping[str, ground.Things]
    journal: Sequence[provider_double.Entry] | None
    engines: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``subject`` is an id to be looked for in records and logs."""

    kind: str
    subject: str
    text: str


def examine(snapshot: Snapshot) -> list[Finding]:
    """Return everything that is wrong."""
    found: list[Finding] = []
    for part in (_requests, _operations, _instances, _orphans, _journal, _engines, _quotas, _databases):
        found.extend(part(snapshot))
    return found


def _requests(snapshot: Snapshot) -> Iterator[Finding]:
    """Each accepted request has its operation; a delete may have found the one of another request."""
    by_request = collections.defaultdict(list)
    for operation in snapshot.operations:
        by_request[operation.request_id].append(operation)
    deleted = {one.subject_id for one in snapshot.operations if one.kind == 'delete_instance'}
    for ask in snapshot.asks:
        kind = KIND_OF_VERB.get(ask.request.verb)
        if kind is None:
            continue
        rows = [one for one in by_request[ask.request_id] if one.kind == kind]
        is_known = bool(rows) or (kind == 'delete_instance' and ask.instance_id in deleted)
        if not is_known:
            yield Finding(LOST, ask.instance_id, f'{ask.request.verb} was accepted as {ask.request_id} and is unknown')
        if len(rows) > 1:
            yield Finding(DUPLICATED, ask.instance_id, f'{ask.request.verb} has {len(rows)} operations')


def _operations(snapshot: Snapshot) -> Iterator[Finding]:
    for one in snapshot.operations:
        if one.state in ledger.ACTIVE_STATES:
            yield Finding(LOST, one.id, f'{one.kind} of {one.subject_id} has not ended: {one.step}, {one.error}')
        elif one.active_key is not None or one.lease_token is not None:
            yield Finding(LOST, one.id, f'{one.kind} of {one.subject_id} ended and holds something still')


def _instances(snapshot: Snapshot) -> Iterator[Finding]:
    by_subject = collections.defaultdict(list)
    for operation in snapshot.operations:
        by_subject[operation.subject_id].append(operation)
    for instance_id, record in snapshot.instances.items():
        for text in _misfits(record, by_subject[instance_id], snapshot.things.get(instance_id)):
            yield Finding(LOST, instance_id, text)


def _misfits(
    record: models.Instance, operations: Iterable[models.Operation], things: ground.Things | None
) -> Iterator[str]:
    """Yield how the record of an instance does not fit its operations and what there is."""
    rows = list(operations)
    states_of = {one.kind: one.state for one in sorted(rows, key=lambda one: one.created)}
    is_gone = states_of.get('delete_instance') == ledger.DONE
    if bool(record.is_deleted) != is_gone:
        yield f'deleted is {record.is_deleted}, and its operations are {states_of}'
    if 'delete_instance' in states_of:
        return
    task = states.TaskStatus.find(record.task_code)
    has_failed = any(one.state == ledger.FAILED for one in rows)
    if task not in (states.Tasks.NONE, states.Tasks.RESTART_REQUIRED) and not has_failed:
        yield f'its task is {task.action}, and its operations are {states_of}'
    if states_of.get('create_instance') != ledger.DONE:
        return
    if things is None or set(things.parts) != set(provider_double.PARTS):
        yield f'it was built and there is {things}'
    elif (record.flavor_id, record.volume_size, '') != (things.flavor, things.size, things.move):
        yield f'flavor {record.flavor_id} and {record.volume_size} GB are written down, and there is {things}'
    elif things.running == 0:
        yield 'its engine does not run'
    elif record.server_status != states.ServerStatus.ACTIVE:
        yield f'its server is {record.server_status}'
    elif things.name not in ('', record.name) and not has_failed:
        yield f'it is called {record.name}, and its server {things.name}'


def _orphans(snapshot: Snapshot) -> Iterator[Finding]:
    for instance_id, things in snapshot.things.items():
        record = snapshot.instances.get(instance_id)
        is_failed_build = any(
            (one.subject_id, one.kind, one.state) == (instance_id, 'create_instance', ledger.FAILED)
            for one in snapshot.operations
        )
        if record is None or record.is_deleted or is_failed_build:
            yield Finding(ORPHANED, instance_id, f'there is {", ".join(things.parts)} and no instance for it')


def _journal(snapshot: Snapshot) -> Iterator[Finding]:
    """Each thing was made once, and each job was done once, but for those in which the guests were killed."""
    if snapshot.journal is None:
        return
    counts: collections.Counter[tuple[str, str, int]] = collections.Counter()
    ended = set()
    life = 0
    for entry in snapshot.journal:
        life += entry.effect == guests.BEGAN
        if entry.effect == 'made' and entry.thing in provider_double.PARTS:
            counts[entry.instance_id, entry.thing, 0] += 1
        if entry.effect == guests.ENDED:
            ended.add(entry.thing)
            counts[entry.instance_id, entry.thing, life] += 1
    for (instance_id, thing, _life), count in counts.items():
        if count > 1:
            yield Finding(DUPLICATED, instance_id, f'{thing} was made or done {count} times')
    for operation in snapshot.operations:
        for job in JOBS.get(operation.kind, ()):
            if operation.state == ledger.DONE and f'{operation.id}.{job}' not in ended:
                yield Finding(LOST, operation.id, f'{operation.kind} succeeded, and its guest never did {job}')


def _engines(snapshot: Snapshot) -> Iterator[Finding]:
    """No instance has two engines."""
    for instance_id, things in snapshot.things.items():
        if (things.running or 0) > 1:
            yield Finding(DUPLICATED, instance_id, f'{things.running} engines run')


def _quotas(snapshot: Snapshot) -> Iterator[Finding]:
    """What the quotas count is what there is."""
    counted: collections.Counter[tuple[str, str]] = collections.Counter()
    for instance_id, things in snapshot.things.items():
        record = snapshot.instances.get(instance_id)
        if record is not None and not record.is_deleted:
            amounts = {'instances': 1, 'ram': RAM[things.flavor], 'volumes': things.size}
            counted.update({(record.project_id, name): amount for name, amount in amounts.items()})
    in_use = {(one.project_id, one.resource): one.in_use for one in snapshot.usages if one.in_use}
    for key in sorted(in_use.keys() | counted.keys()):
        held, there = in_use.get(key, 0), counted[key]
        if held != there:
            kind = LOST if held < there else ORPHANED
            yield Finding(kind, key[0], f'the quota of {key[1]} counts {held}, and there is {there}')


def _databases(snapshot: Snapshot) -> Iterator[Finding]:
    """Databases whose creation was acknowledged are there, as long as their instance is."""
    for ask in snapshot.asks:
        record = snapshot.instances.get(ask.instance_id)
        if ask.request.verb != plan.DATABASE or record is None or record.is_deleted:
            continue
        engine: dict[str, Any] = json.loads(snapshot.engines.get(ask.instance_id, '{}'))
        if ask.request.value not in engine.get('databases', []):
            yield Finding(LOST, ask.instance_id, f'database {ask.request.value} was acknowledged and is not there')


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how much was lost, duplicated and orphaned."""
    counted = collections.Counter(finding.kind for finding in findings)
    return {kind: counted[kind] for kind in KINDS}
