"""Quotas: taken and given back by conditional updates in the caller's transaction, so that they are exact."""

import dataclasses
from collections.abc import Mapping

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy import exc, orm

from trove.common import exception
from trove.db import models
from trove.db.sqlalchemy import tables
from trove.quota import options

UNLIMITED = -1


@dataclasses.dataclass(frozen=True)
class Quota:
    """The limit of one resource of a project and how much of it is used."""

    resource: str
    limit: int
    in_use: int


def list_quotas(session: orm.Session, project_id: str, conf: cfg.ConfigOpts) -> list[Quota]:
    """Return the quotas of all resources of a project."""
    limits = _limits(session, project_id, conf)
    usages = _usages(session, project_id)
    return [Quota(resource, limits[resource], usages.get(resource, 0)) for resource in options.DEFAULTS]


def set_limit(session: orm.Session, project_id: str, resource: str, limit: int) -> None:
    """Give a project a limit of its own; -1 takes the limit away."""
    if resource not in options.DEFAULTS:
        raise exception.QuotaResourceUnknown(resource=resource)
    if limit < UNLIMITED:
        raise exception.BadRequest(f"The limit of '{resource}' must be -1 (no limit) or more, not {limit}.")
    if _change_limit(session, project_id, resource, limit):
        return
    try:
        with session.begin_nested():
            row = {'project_id': project_id, 'resource': resource, 'hard_limit': limit}
            session.execute(sa.insert(tables.quotas).values(**row))
    except exc.IntegrityError:
        # Another request gave the project a first limit meanwhile; the later one counts.
        _change_limit(session, project_id, resource, limit)


def _change_limit(session: orm.Session, project_id: str, resource: str, limit: int) -> bool:
    quota = tables.quotas.c
    condition = (quota.project_id == project_id, quota.resource == resource)
    return bool(session.execute(sa.update(tables.quotas).where(*condition).values(hard_limit=limit)).rowcount == 1)


def charge(session: orm.Session, project_id: str, amounts: Mapping[str, int], conf: cfg.ConfigOpts) -> None:
    """Take amounts of resources; ``QuotaExceeded`` names those that do not suffice.

    The caller's transaction is to be rolled back then.
    """
    limits = _limits(session, project_id, conf)
    _make_usages(session, project_id, set(amounts) - set(_usages(session, project_id)))
    # Always in the same order, so that two projects' requests do not wait for each other in a circle.
    overs = [
        resource
        for resource, amount in sorted(amounts.items())
        if not _take(session, project_id, resource, amount, limits[resource])
    ]
    if overs:
        raise exception.QuotaExceeded(overs=', '.join(overs))


def release(session: orm.Session, instance: models.Instance) -> None:
    """Give back what an instance holds; a second time nothing happens."""
    taken = session.execute(
        sa.update(tables.instances)
        .where(tables.instances.c.id == instance.id, tables.instances.c.quota_charge.is_not(None))
        .values(quota_charge=None)
    )
    if taken.rowcount != 1 or not instance.quota_charge:
        return
    for resource, amount in sorted(instance.quota_charge.items()):
        _take(session, instance.project_id, resource, -amount, UNLIMITED)


def recharge(session: orm.Session, instance_id: str, amounts: Mapping[str, int]) -> None:
    """Set what an instance holds of some resources, and its project's use with it; a second time nothing happens.

    Nothing is refused: this is for what exists already.
    """
    instance = session.get(models.Instance, instance_id, with_for_update=True, populate_existing=True)
    if instance is None or not instance.quota_charge:
        return
    for resource, amount in sorted(amounts.items()):
        _take(session, instance.project_id, resource, amount - instance.quota_charge.get(resource, 0), UNLIMITED)
    instance.quota_charge = {**instance.quota_charge, **amounts}
    session.flush()


def charge_more(
    session: orm.Session, instance: models.Instance, amounts: Mapping[str, int], conf: cfg.ConfigOpts
) -> None:
    """Take what an instance is to hold beyond what it does; ``QuotaExceeded`` when it does not suffice.

    What it is to hold less of is given back at the end only, by ``recharge``: until
    then both may exist. An instance that holds nothing of the quota is left so.
    """
    if not instance.quota_charge:
        return
    held = instance.quota_charge
    more = {name: amount - held.get(name, 0) for name, amount in amounts.items() if amount > held.get(name, 0)}
    charge(session, instance.project_id, more, conf)
    instance.quota_charge = {**held, **{name: amounts[name] for name in more}}


def _take(session: orm.Session, project_id: str, resource: str, amount: int, limit: int) -> bool:
    usage = tables.quota_usages.c
    condition = [usage.project_id == project_id, usage.resource == resource]
    if limit != UNLIMITED:
        condition.append(usage.in_use + amount <= limit)
    taken = session.execute(sa.update(tables.quota_usages).where(*condition).values(in_use=usage.in_use + amount))
    return bool(taken.rowcount == 1)


def _limits(session: orm.Session, project_id: str, conf: cfg.ConfigOpts) -> dict[str, int]:
    limits = {resource: int(conf[option]) for resource, option in options.DEFAULTS.items()}
    quota = tables.quotas.c
    rows = session.execute(sa.select(quota.resource, quota.hard_limit).where(quota.project_id == project_id))
    limits.update({row.resource: row.hard_limit for row in rows})
    return limits


def _usages(session: orm.Session, project_id: str) -> dict[str, int]:
    usage = tables.quota_usages.c
    rows = session.execute(sa.select(usage.resource, usage.in_use).where(usage.project_id == project_id))
    return {row.resource: row.in_use for row in rows}


def _make_usages(session: orm.Session, project_id: str, resources: set[str]) -> None:
    for resource in sorted(resources):
        try:
            with session.begin_nested():
                session.execute(
                    sa.insert(tables.quota_usages).values(project_id=project_id, resource=resource, in_use=0)
                )
        except exc.IntegrityError:
            # Another first request of the project made the row meanwhile, which is all we wanted.
            continue
