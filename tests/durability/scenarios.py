"""All moments at which a worker is killed, made from the operations that are declared."""

import dataclasses

from tests.durability import worker
from trove.db import operations as ledger

CREATE, DELETE, RESTART = 'create_instance', 'delete_instance', 'restart_instance'
RESIZE, GROW, REBOOT = 'resize_instance', 'grow_instance', 'reboot_instance'
STOP, MIGRATE, REBUILD = 'stop_instance', 'migrate_instance', 'rebuild_instance'
RENAME, ACCESS, CLEAR = 'rename_instance', 'update_access', 'clear_instance'
ROTATE = 'rotate_guest_key'
KINDS = worker.KINDS


@dataclasses.dataclass(frozen=True)
class Scenario:
    """An operation, and where its worker dies."""

    kind: str
    step: str
    boundary: str | None
    failing_step: str | None = None
    is_deleted_meanwhile: bool = False

    def __str__(self):
        words = [self.kind, self.step, str(self.boundary)]
        if self.failing_step:
            words.append(f'after-{self.failing_step}-failed')
        if self.is_deleted_meanwhile:
            words.append('deleted-meanwhile')
        return '-'.join(words)

    def doom(self, operation_id, instance_id):
        """Return the scenario as a worker is told it."""
        return worker.Doom(
            operation_id,
            self.step,
            self.boundary,
            failing_step=self.failing_step,
            deletes=instance_id if self.is_deleted_meanwhile else None,
        )


def all_steps():
    """Yield kind, step and whether its code was not met before: operations share some of their steps."""
    met = set()
    for kind in sorted(KINDS, key=lambda kind: (kind not in (CREATE, DELETE, RESIZE), kind)):
        for step in KINDS[kind].STEPS:
            code = getattr(KINDS[kind], step)
            yield kind, step, code not in met
            met.add(code)


def at_every_boundary():
    """Every step, killed at every boundary; one that others have, too, and the end of an operation once for each.

    That a step is settled is the moment before the following one.
    """
    return [
        Scenario(kind, step, boundary)
        for kind, step, is_new in all_steps()
        for boundary in worker.BOUNDARIES
        if (step == KINDS[kind].STEPS[-1] if boundary == worker.SETTLED else is_new or boundary == worker.OUTSIDE)
    ]


def while_cleaning_up():
    """Every operation, failed in every step, killed while it cleans up; for its first step at every boundary."""
    return [
        Scenario(kind, ledger.FAILED_STEP, boundary, failing_step=step)
        for kind, found in KINDS.items()
        for step in found.STEPS
        for boundary in (worker.BOUNDARIES if step == found.STEPS[0] else (worker.OUTSIDE,))
    ]


def deleted_meanwhile():
    """What a tenant deletes at every step or in its clean-up, its worker killed then."""
    create = [(CREATE, step, None, (worker.UNSETTLED, worker.SETTLED)) for step in KINDS[CREATE].STEPS]
    create.append((CREATE, ledger.FAILED_STEP, 'boot_server', (worker.UNSETTLED, worker.SETTLED)))
    resize = [(RESIZE, step, None, (worker.UNSETTLED,)) for step in KINDS[RESIZE].STEPS]
    resize.append((RESIZE, ledger.FAILED_STEP, 'await_moved', (worker.UNSETTLED,)))
    return [
        Scenario(kind, step, boundary, failing_step, is_deleted_meanwhile=True)
        for kind, step, failing_step, boundaries in (*create, *resize)
        for boundary in boundaries
    ]


def once_per_step():
    """Every step, killed once: its effects are made and nobody has written them down."""
    return [Scenario(kind, step, worker.OUTSIDE) for kind, step, is_new in all_steps() if is_new]
