"""Manager of memcached."""

from trove.guestagent.datastore import app, manager

from acme_trove.memcached import app as memcached_app
from acme_trove.memcached import description


class Manager(manager.Manager):
    """Memcached: what is not set here, databases, users and root, answers that it is not supported."""

    description = description.Memcached()

    def make_app(self) -> app.App:
        return memcached_app.MemcachedApp(self.conf, self.description, self.services)
