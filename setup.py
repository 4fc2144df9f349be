"""All of it stands in setup.cfg."""

import setuptools

setuptools.setup()
