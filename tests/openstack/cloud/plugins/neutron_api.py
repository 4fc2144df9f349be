"""Neutron's API, with its tables mapped before the first request comes.

SQLAlchemy maps them with the first query. Neutron's list of ports looks at a column of the mapping before it makes
a query, so that a process that is asked for nothing but ports from its start answers 500 for ever.
"""

from neutron.wsgi import api
from sqlalchemy import orm

application = api.application
orm.configure_mappers()
