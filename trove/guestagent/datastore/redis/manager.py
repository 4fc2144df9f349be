"""Manager of Redis."""

from trove.guestagent.datastore import app, manager
from trove.guestagent.datastore.redis import app as redis_app
from trove.guestagent.datastore.redis import description, root


class Manager(manager.Manager):
    """Redis: no databases and no users; root's password is what every client needs."""

    description = description.Redis()

    def make_app(self) -> app.App:
        made = redis_app.RedisApp(self.conf, self.description, self.services)
        self.root = root.Root(made, self.conf.state_path)
        return made
