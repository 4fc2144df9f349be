"""The plan: the same for the same seed, and nothing in it that cannot be."""

import itertools

from tests.chaos import faults, plan

COUNT = 2000


def first(endless, count=COUNT):
    return list(itertools.islice(endless, count))


def test_a_seed_gives_the_same_plan_and_another_one_another():
    assert first(plan.requests('1')) == first(plan.requests('1')) != first(plan.requests('2'))
    weights = faults.WEIGHTS
    assert first(plan.troubles('1', weights), 200) == first(plan.troubles('1', weights), 200)
    assert first(plan.troubles('1', weights), 200) != first(plan.troubles('2', weights), 200)


def test_requests_name_what_their_tenant_asked_for_before_and_has_not_deleted():
    living = {}
    for request in first(plan.requests('1')):
        if request.verb == plan.CREATE:
            living[request.instance] = request.tenant
        assert living[request.instance] == request.tenant
        if request.verb == plan.DELETE:
            del living[request.instance]
        assert max(list(living.values()).count(tenant) for tenant in range(plan.TENANTS)) <= plan.MOST_INSTANCES


def test_everything_is_asked_for_and_everything_goes_wrong():
    assert {request.verb for request in first(plan.requests('1'))} == set(plan.VERBS)
    kinds = len(faults.FAULTS)
    assert {trouble.name for trouble in first(plan.troubles('1', faults.WEIGHTS), kinds)} == set(faults.FAULTS)


def test_troubles_come_in_the_order_of_their_moments():
    moments = [trouble.at for trouble in first(plan.troubles('1', faults.WEIGHTS), 200)]
    assert moments == sorted(set(moments))
