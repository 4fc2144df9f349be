"""Managers of the MySQL family."""

from typing import ClassVar

from trove.guestagent.datastore import app, manager
from trove.guestagent.datastore.mysql import app as mysql_app
from trove.guestagent.datastore.mysql import databases, description, users


class FamilyManager(manager.Manager):
    """What the members of the family have in common, which is all but the making of the data."""

    app_class: ClassVar[type[mysql_app.MySQLApp]] = mysql_app.MySQLApp

    def make_app(self) -> app.App:
        made = self.app_class(self.conf, self.description, self.services)
        self.databases = databases.Databases(made.client)
        self.users = users.Users(made.client)
        self.root = users.Root(made.client, made.options.root_grant, made.options.root_grant_option)
        return made


class MySQLManager(FamilyManager):
    """MySQL."""

    description = description.MySQL()


class PerconaManager(FamilyManager):
    """Percona Server."""

    description = description.Percona()


class MariaDBManager(FamilyManager):
    """MariaDB."""

    description = description.MariaDB()
    app_class = mysql_app.MariaDBApp
