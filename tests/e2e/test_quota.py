"""Many requests at the same moment. Nothing is built meanwhile, to spare the machine."""

from concurrent import futures

import pytest

from tests.e2e import checks

pytestmark = pytest.mark.slow


def post_together(tenant, count):
    """Ask for so many instances at once; return the answers."""
    with futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: tenant.post_instance(f'crowd-{number}', 'redis'), range(count)))


def delete_all(stack, tenant, answers):
    instance_ids = [answer.json()['instance']['id'] for answer in answers if answer.status_code == 200]
    for instance_id in instance_ids:
        tenant.delete(instance_id)
    return instance_ids


def test_a_quota_of_ten_lets_ten_in(fragile_stack):
    tenant = fragile_stack.tenant('frugal')
    with fragile_stack.without('trove-taskmanager'):
        answers = post_together(tenant, 25)
        assert sorted(answer.status_code for answer in answers) == [200] * 10 + [413] * 15
        refused = [answer.json() for answer in answers if answer.status_code == 413]
        assert {fault['overLimit']['code'] for fault in refused} == {413}
        assert tenant.in_use() == {'instances': 10, 'ram': 10 * 512, 'volumes': 10}
        assert len(tenant.list_instances()) == 10
        instance_ids = delete_all(fragile_stack, tenant, answers)
    checks.assert_nothing_is_left(fragile_stack, tenant, *instance_ids)
    assert tenant.in_use() == {}


def test_the_first_requests_of_a_new_tenant(fragile_stack):
    tenant = fragile_stack.tenant('newcomer')
    with fragile_stack.without('trove-taskmanager'):
        answers = post_together(tenant, 8)
        assert [answer.status_code for answer in answers] == [200] * 8
        assert tenant.in_use()['instances'] == 8
        instance_ids = delete_all(fragile_stack, tenant, answers)
    checks.assert_nothing_is_left(fragile_stack, tenant, *instance_ids)
