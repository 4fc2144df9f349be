"""What notes add to the API: a resource, an action on instances, and a key of what is shown of one."""

from oslo_config import cfg
from oslo_policy import policy as oslo_policy
from trove.common import cfg as trove_cfg
from trove.common import extensions

from acme_trove.notes import options, policies, schema, service


class Notes(extensions.ExtensionDescriptor):
    """Notes about instances."""

    def get_name(self) -> str:
        return 'Acme Notes'

    def get_description(self) -> str:
        return 'Notes about instances.'

    def get_namespace(self) -> str:
        return 'https://acme.example.org/trove/notes'

    def get_updated(self) -> str:
        return '2026-11-29T00:00:00Z'

    def get_resources(self) -> list[extensions.ResourceExtension]:
        conf = cfg.CONF
        trove_cfg.register(conf, options.OPTS, group=options.GROUP)
        # A value that cannot be used is told when the API starts, since it is read here.
        return [extensions.ResourceExtension('acme-notes', service.NoteController(conf[options.GROUP].notes_page_size))]

    def get_actions(self) -> list[extensions.ActionExtension]:
        return [extensions.ActionExtension('instances', 'acme_touch', service.touch, schema=schema.TOUCH)]

    def get_request_extensions(self) -> list[extensions.RequestExtension]:
        return [extensions.RequestExtension('GET', '/instances/{id}', service.add_count)]

    def list_rules(self) -> list[oslo_policy.RuleDefault]:
        return policies.list_rules()
