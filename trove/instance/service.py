"""Instances over HTTP."""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from trove.common import cfg as trove_cfg
from trove.common import crypto, exception, pagination, policy, wsgi
from trove.common import schema as common_schema
from trove.instance import changes, models, schema, views
from trove.instance import options as instance_options
from trove.instance import spec as instance_spec
from trove.quota import options as quota_options
from trove.taskmanager import api as taskmanager_api

UPDATES_NOT_YET = {
    'replica_of': 'detaching a replica',
    'slave_of': 'detaching a replica',
    'configuration': 'configuration groups',
    'datastore_version': 'upgrading',
}
ACTIONS_NOT_YET = {
    'promote_to_replica_source': 'promoting a replica',
    'eject_replica_source': 'ejecting a replica source',
}


class InstanceController(wsgi.Controller):
    """The resource ``/instances``."""

    schemas = {
        'create': schema.CREATE,
        'update': schema.UPDATE,
        'edit': schema.EDIT,
        'action': schema.ACTION,
    }

    def __init__(self, conf: cfg.ConfigOpts, instances: models.Instances, changing: changes.Changes) -> None:
        self._conf = conf
        self._instances = instances
        self._changes = changing

    # -- reading ----------------------------------------------------------------------------

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        policy.authorize(req.context, 'instance:index')
        return self._list(req, views.short)

    def detail(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        policy.authorize(req.context, 'instance:detail')
        return self._list(req, views.detail)

    def _list(self, req: wsgi.Request, view: Any) -> wsgi.Result:
        page = pagination.read(req, self._conf.instances_page_size)
        found, next_marker = self._instances.page(req.context, page.limit, page.marker)
        items = [view(req, one, self._instances.service_of(one)) for one in found]
        return wsgi.Result(pagination.paged(req, 'instances', items, page, next_marker))

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        found = self._instances.get(req.context, id)
        policy.authorize(req.context, 'instance:show', found.record.project_id)
        return wsgi.Result({'instance': views.detail(req, found, self._instances.service_of(found))})

    # -- changing ---------------------------------------------------------------------------

    def create(self, req: wsgi.Request, body: Mapping[str, Any], tenant_id: str) -> wsgi.Result:
        policy.authorize(req.context, 'instance:create')
        spec, user_passwords = instance_spec.from_body(body)
        if spec.databases:
            policy.authorize(req.context, 'instance:extension:database:create')
        if spec.users:
            policy.authorize(req.context, 'instance:extension:user:create')
        created = self._instances.create(req.context, spec, user_passwords)
        view = views.detail(req, created.instance, self._instances.service_of(created.instance))
        if created.root_password is not None:
            view['password'] = created.root_password
        return wsgi.Result({'instance': view}, 200)

    def update(self, req: wsgi.Request, body: Mapping[str, Any], tenant_id: str, id: str) -> wsgi.Result:
        return self._change(req, body['instance'], 'instance:update', id)

    def edit(self, req: wsgi.Request, body: Mapping[str, Any], tenant_id: str, id: str) -> wsgi.Result:
        return self._change(req, body['instance'], 'instance:edit', id)

    def _change(self, req: wsgi.Request, wanted: Mapping[str, Any], rule: str, instance_id: str) -> wsgi.Result:
        found = self._instances.get(req.context, instance_id)
        policy.authorize(req.context, rule, found.record.project_id)
        others = [key for key in wanted if key != 'name']
        if len(others) > 1:
            raise exception.BadRequest(f'Only one of these can be changed at a time: {", ".join(sorted(others))}.')
        # An empty change and a null take a configuration group away, and no instance has one.
        for key in others:
            if key in UPDATES_NOT_YET and not (key == 'configuration' and wanted[key] is None):
                raise exception.NotImplementedHere(f"Not supported yet: {UPDATES_NOT_YET[key]}. Leave out '{key}'.")
        self._changes.update(req.context, instance_id, wanted.get('name'), wanted.get('access'))
        return wsgi.Result(None, 202)

    def delete(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        found = self._instances.get(req.context, id)
        policy.authorize(req.context, 'instance:delete', found.record.project_id)
        self._changes.delete(req.context, id)
        return wsgi.Result(None, 202)

    def action(self, req: wsgi.Request, body: Mapping[str, Any], tenant_id: str, id: str) -> wsgi.Result:
        found = self._instances.get(req.context, id)
        name, value = next(iter(body.items()))
        if name in ACTIONS_NOT_YET:
            raise exception.NotImplementedHere(f'Not supported yet: {ACTIONS_NOT_YET[name]}.')
        getattr(self, f'_{name}')(req, found, value)
        return wsgi.Result(None, 202)

    def _restart(self, req: wsgi.Request, found: models.Instance, value: Mapping[str, Any]) -> None:
        policy.authorize(req.context, 'instance:restart', found.record.project_id)
        self._changes.restart(req.context, found.record.id)

    def _resize(self, req: wsgi.Request, found: models.Instance, value: Mapping[str, Any]) -> None:
        if 'volume' in value:
            policy.authorize(req.context, 'instance:resize_volume', found.record.project_id)
            self._changes.resize_volume(req.context, found.record.id, int(value['volume']['size']))
        else:
            policy.authorize(req.context, 'instance:resize_flavor', found.record.project_id)
            flavor_id = common_schema.last_part(value['flavorRef'])
            self._changes.resize_flavor(req.context, found.record.id, flavor_id)

    def _reset_status(self, req: wsgi.Request, found: models.Instance, value: Mapping[str, Any]) -> None:
        rule = 'instance:force_delete' if 'force_delete' in value else 'instance:reset_status'
        policy.authorize(req.context, rule, found.record.project_id)
        self._changes.reset_status(req.context, found.record.id)


def routes(mapper: wsgi.Mapper) -> None:
    """Add the routes of this room."""
    conf = cfg.CONF
    for options in (instance_options.API_OPTS, taskmanager_api.OPTS, quota_options.OPTS, crypto.OPTS):
        trove_cfg.register(conf, options)
    taskmanager = taskmanager_api.API(conf.taskmanager_queue)
    instances = models.Instances(conf, taskmanager, crypto.Sealer.from_file(conf.secrets_key_file))
    resource = InstanceController(conf, instances, changes.Changes(conf, taskmanager)).create_resource()
    mapper.add('/instances', resource, {'GET': 'index', 'POST': 'create'})
    mapper.add('/instances/detail', resource, {'GET': 'detail'})
    mapper.add('/instances/{id}', resource, {'GET': 'show', 'PUT': 'update', 'PATCH': 'edit', 'DELETE': 'delete'})
    mapper.add('/instances/{id}/action', resource, {'POST': 'action'})
