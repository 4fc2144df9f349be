"""Short ways to write into the ledger and to look at it."""

from trove.db import get_db_api, models, operations


def submission(subject='subject', **changes):
    fields = {'kind': 'make', 'subject_id': subject, 'first_step': 'begin', 'deadline_seconds': 600.0}
    return operations.Submission(**{**fields, **changes})


def submit(clock, subject='subject', **changes):
    """Submit in a transaction of its own; return the id."""
    return get_db_api().run(lambda session: operations.submit(session, submission(subject, **changes), clock).id)


def cancel(clock, subject='subject'):
    get_db_api().run(lambda session: operations.cancel(session, subject, clock))


def wake(clock, subject='subject'):
    return get_db_api().run(lambda session: operations.wake(session, subject, clock))


def read(operation_id):
    """The record as it stands in the database."""
    with get_db_api().reading() as session:
        return session.get(models.Operation, operation_id)


def waits(seconds, **changes):
    return operations.Settlement(step='begin', memo={}, wait_seconds=seconds, **changes)


def ends(state=operations.DONE, **changes):
    return operations.Settlement(step='begin', memo={}, state=state, **changes)
