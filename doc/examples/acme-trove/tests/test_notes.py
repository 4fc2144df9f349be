"""Notes against the contracts of extensions and of tables."""

import datetime
import pathlib

from trove.testing import db_plugins, extensions, web

import acme_trove
from acme_trove.notes import models

REPOSITORY = str(pathlib.Path(acme_trove.__file__).with_name('migrate_repo'))


class TestExtension(extensions.ExtensionContract):
    name = 'acme-notes'
    db_plugins = ('acme',)
    repositories = (REPOSITORY,)
    bodies = {
        ('POST', '/acme-notes'): {'note': {'instance_id': web.INSTANCE, 'text': 'fast'}},
        ('PUT', '/acme-notes/{id}'): {'note': {'text': 'slow'}},
    }
    values = {'acme_touch': {'text': 'seen'}}


class TestTables(db_plugins.DatabasePluginContract):
    name = 'acme'
    repo_path = REPOSITORY

    @classmethod
    def make_record(cls, number):
        now = datetime.datetime(2026, 11, 29)
        return models.Note(id=str(number), project_id='p', instance_id='i', text='fast', created=now, updated=now)
