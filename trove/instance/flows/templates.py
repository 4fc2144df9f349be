"""The engine's configuration of an instance: the template of its datastore, rendered for a flavor."""

import functools

import jinja2
from oslo_config import cfg

from trove.datastore import descriptions
from trove.db import models
from trove.instance.flows import records


def render(conf: cfg.ConfigOpts, subject: records.Subject, flavor: models.Flavor | None = None) -> str:
    """Return the configuration for a flavor, by default the instance's own."""
    size = flavor or subject.flavor
    source = descriptions.find(conf, subject.version.manager).template()
    return _compile(source).render(
        flavor={'ram': size.ram, 'vcpus': size.vcpus},
        datastore={'name': subject.version.manager, 'version': subject.version.version},
    )


@functools.cache
def _compile(source: str) -> jinja2.Template:
    # Compiling costs more than a whole step, and there is one template for each datastore.
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(source)
