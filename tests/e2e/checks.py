"""What must hold of an instance, whatever happened while it was built or deleted."""

from tests.fixtures import observed
from tests.fixtures import tenant as tenants

STEPS = (
    'make_address',
    'make_record',
    'keep_secrets',
    'make_volume',
    'make_account',
    'boot_server',
    'await_server',
    'await_guest',
    'prepare_datastore',
    'await_ready',
    'finish',
)


def await_step(stack, instance_id, step):
    """Wait until a build has come to a step, or is past it."""
    later = STEPS[STEPS.index(step) :]

    def has_come():
        now = stack.step_of(instance_id)
        return now is None or now in later

    tenants.until(has_come, pause_seconds=0.002)


def assert_exactly_one(stack, tenant, instance_id):
    """Exactly one instance came of one request: one of each thing that it is made of, and it serves."""
    shown = tenant.await_healthy(instance_id)
    made = {
        'machines': len(observed.machines_of(instance_id)),
        'agents': len(observed.agents_of(instance_id)),
        'engines': len(observed.engines_of(instance_id)),
        'addresses': stack.claims_of(instance_id),
        'operations': stack.query('SELECT kind, state FROM operations WHERE subject_id = ?', instance_id),
    }
    assert made == {
        'machines': 1,
        'agents': 1,
        'engines': 1,
        'addresses': shown['ip'],
        'operations': [('create_instance', 'DONE')],
    }
    listed = [one['id'] for one in tenant.list_instances()]
    assert listed.count(instance_id) == 1
    assert tenant.in_use()['instances'] == len(listed)
    assert_no_orphans(stack)
    return shown


def assert_no_orphans(stack):
    """Everything below the instances' folder belongs to an instance that is not deleted."""
    known = {row[0] for row in stack.query('SELECT id FROM instances WHERE is_deleted = 0')}
    there = {entry.name for entry in stack.state.instances.iterdir() if not entry.name.startswith('.')}
    assert there <= known


def assert_nothing_is_left(stack, tenant, *instance_ids):
    """Deleted instances left no process, folder, address, mount, active row, operation or quota behind."""
    tenant.await_gone(*instance_ids)
    assert {one: left for one in instance_ids if (left := stack.leftovers_of(one))} == {}
    rows = stack.query('SELECT id, is_deleted, quota_charge FROM instances')
    assert {row for row in rows if row[0] in instance_ids and row[1:] != (1, None)} == set()
    active = {row[0] for row in stack.query('SELECT subject_id FROM operations WHERE active_key IS NOT NULL')}
    assert active.isdisjoint(instance_ids)
    held = len(tenant.list_instances())
    assert tenant.in_use().get('instances', 0) == held


def remove(tenant, *instance_ids):
    """Delete what a test made."""
    for instance_id in instance_ids:
        tenant.delete(instance_id)
    tenant.await_gone(*instance_ids)
