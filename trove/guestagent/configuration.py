"""The engine's configuration: what came from outside, kept so that it can be composed again."""

import os
from collections.abc import Callable, Mapping

from trove.common import exception
from trove.guestagent.system import files


class Configuration:
    """One engine's configuration file, made of three layers.

    The *template* is what the control plane rendered for the flavor, the
    *overrides* are the tenant's values, and the *own* layer holds what must not
    be overridden (folders, address, access); each wins over those before it.
    """

    def __init__(self, path: str, owner: str | None = None) -> None:
        self.path = path
        self._owner = owner
        self.layers_path = f'{path}.layers.json'

    def save(self, template: str, overrides: Mapping[str, object]) -> None:
        """Keep the outer layers."""
        files.make_folder(os.path.dirname(self.path), owner=self._owner)
        files.write_json(self.layers_path, {'template': template, 'overrides': dict(overrides)})

    def replace_template(self, template: str) -> None:
        """Keep another template with the overrides there are; ``GuestError`` when no layers were kept."""
        layers = files.read_json(self.layers_path)
        if layers is None:
            raise exception.GuestError(reason=f'{self.layers_path} is missing; the engine was never prepared')
        self.save(template, layers['overrides'])

    def write(self, own: str, render: Callable[[Mapping[str, object]], str]) -> None:
        """Write the file for the engine; ``render`` turns overrides into the engine's own format."""
        layers = files.read_json(self.layers_path) or {'template': '', 'overrides': {}}
        text = '\n'.join([layers['template'].rstrip('\n'), render(layers['overrides']), own])
        files.write(self.path, text.lstrip('\n'), owner=self._owner)
