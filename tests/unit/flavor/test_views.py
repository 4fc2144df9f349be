import pytest

from trove.common import context, wsgi
from trove.db import models
from trove.flavor import views


@pytest.mark.parametrize(
    ('flavor_id', 'number'),
    [('7', 7), ('0', 0), ('07', None), ('c1.small', None), ('²', None), ('1' * 30, int('1' * 30)), ('-1', None)],
)
def test_an_id_is_a_number_when_it_reads_like_one(flavor_id, number):
    request = wsgi.Request.blank('/')
    request.environ[wsgi.CONTEXT_KEY] = context.TroveContext(project_id='p')
    record = models.Flavor(id=flavor_id, name='n', ram=512, vcpus=1, disk=5, ephemeral=0)
    view = views.flavor(request, record)
    assert (view['id'], view['str_id']) == (number, flavor_id)
