"""The context on the wire."""

from trove.common import context
from trove.common.rpc import serializer


def test_there_and_back_without_the_token() -> None:
    sent = context.TroveContext(
        user_id='u', project_id='p', roles=['member'], request_id='req-1', auth_token='canary', limit=5, marker='m'
    )
    values = serializer.ContextSerializer().serialize_context(sent)
    assert 'canary' not in str(values)
    found = serializer.ContextSerializer().deserialize_context(values)
    assert (found.user_id, found.project_id, found.request_id) == ('u', 'p', 'req-1')
    assert (found.limit, found.marker, found.roles) == (5, 'm', ['member'])


def test_the_context_of_a_daemon() -> None:
    found = context.service_context('req-2')
    assert found.is_admin and found.request_id == 'req-2'
