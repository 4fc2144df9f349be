"""Manager of PostgreSQL."""

from trove.guestagent.datastore import app, manager
from trove.guestagent.datastore.postgresql import app as postgresql_app
from trove.guestagent.datastore.postgresql import databases, description, users


class Manager(manager.Manager):
    """PostgreSQL."""

    description = description.PostgreSQL()

    def make_app(self) -> app.App:
        made = postgresql_app.PostgreSQLApp(self.conf, self.description, self.services)
        self.databases = databases.Databases(made.client)
        self.users = users.Users(made.client)
        self.root = users.Root(made.client)
        return made
