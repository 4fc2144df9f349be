"""User data: the guest's configuration as cloud-init reads it, with the operator's own beside it."""

import base64
import email.mime.multipart
import email.mime.text
import os
import re
from collections.abc import Mapping

import yaml

from trove.common import exception

MOST_BYTES = 65535
"""What Nova takes, counted after encoding."""

_KINDS = (
    ('#cloud-config-archive', 'cloud-config-archive'),
    ('#cloud-config', 'cloud-config'),
    ('#!', 'x-shellscript'),
    ('#include-once', 'x-include-once-url'),
    ('#include', 'x-include-url'),
    ('#cloud-boothook', 'cloud-boothook'),
    ('#part-handler', 'part-handler'),
    ('## template: jinja', 'jinja2'),
)
"""What cloud-init takes a file for, by its first line."""
_MERGE = 'list(append)+dict(no_replace,recurse_list)+str()'
_FILE_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')


def make(guest_files: Mapping[str, str], folder: str, own: str | None = None) -> str:
    """Return the user data that writes files into a folder of the server, readable for root only.

    ``own`` is what the operator adds, in any form that cloud-init knows.
    """
    text = cloud_config(guest_files, folder)
    made = text if own is None else _joined(text, own)
    if len(base64.b64encode(made.encode())) > MOST_BYTES:
        raise exception.ComputeError(
            reason='the configuration of the guest is larger than Nova takes; ask the operator to shorten '
            'guest_config or the files in cloudinit_location'
        )
    return made


def cloud_config(guest_files: Mapping[str, str], folder: str) -> str:
    """Return the cloud-config that writes the files; their content is in base64, so that no line end changes."""
    files = [
        {
            'path': os.path.join(folder, _checked(name)),
            'owner': 'root:root',
            'permissions': '0600',
            'encoding': 'b64',
            'content': base64.b64encode(content.encode()).decode('ascii'),
        }
        for name, content in sorted(guest_files.items())
    ]
    return '#cloud-config\n' + yaml.safe_dump({'write_files': files}, sort_keys=False)


def read_own(location: str, datastore_manager: str) -> str | None:
    """Return what the operator adds for a datastore, or None."""
    path = os.path.join(location, f'{datastore_manager}.cloudinit')
    if not datastore_manager or not os.path.exists(path):
        return None
    try:
        with open(path, encoding='utf-8') as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise exception.ComputeError(reason=f'{path} cannot be read ({error}); ask the operator') from error


def _joined(text: str, own: str) -> str:
    kind = next((kind for start, kind in _KINDS if own.startswith(start)), None)
    if kind is None:
        raise exception.ComputeError(
            reason="the operator's file in cloudinit_location begins with nothing that cloud-init knows, such as "
            '#cloud-config or #!/bin/sh'
        )
    # The boundary is fixed, so that the same parts give the same text.
    whole = email.mime.multipart.MIMEMultipart(boundary='===============trove==')
    for subtype, content in (('cloud-config', text), (kind, own)):
        part = email.mime.text.MIMEText(content, subtype, 'utf-8')
        if subtype == 'cloud-config':
            # Otherwise the files of one part would replace those of the other.
            part['Merge-Type'] = _MERGE
        whole.attach(part)
    return whole.as_string()


def _checked(name: str) -> str:
    if not _FILE_NAME.fullmatch(name):
        raise exception.ComputeError(reason=f"'{name}' is no name of a guest file")
    return name
