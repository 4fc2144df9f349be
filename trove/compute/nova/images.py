"""What can be chosen from: Nova's flavors and Glance's images."""

from collections.abc import Iterable
from typing import Any

from trove.common import exception
from trove.compute import base
from trove.compute.nova import errors, toolbox


class Catalogue(base.Catalogue):
    """Lists flavors and finds images that the service user may use."""

    tools: toolbox.Toolbox

    def list_flavors(self) -> list[base.Flavor]:
        found: list[Any] = []
        with errors.told('Listing flavors'):
            while True:
                page = self.tools.cloud.nova().flavors.list(marker=found[-1].id if found else None)
                found.extend(page)
                if not page:
                    break
        flavors = [
            base.Flavor(one.id, one.name, one.ram, one.vcpus, one.disk, int(one.ephemeral or 0)) for one in found
        ]
        return sorted(flavors, key=lambda flavor: (flavor.ram, flavor.vcpus, flavor.id))

    def find_image(self, image_id: str | None, image_tags: Iterable[str] = ()) -> base.Image:
        tags = list(image_tags)
        if image_id:
            image = self._get(image_id)
        elif tags:
            image = self._newest(tags)
        else:
            raise exception.ImageNotFound(image='')
        return base.Image(image.id, image.name or '')

    def _get(self, image_id: str) -> Any:
        with errors.told('Looking for the image'):
            image = self.tools.cloud.image.find_image(image_id)
        if image is None or image.id != image_id:
            raise exception.ImageNotFound(image=image_id)
        if image.status != 'active':
            raise exception.ComputeError(
                reason=f'image {image_id} is {image.status}; ask the operator to make it active or to register another'
            )
        return image

    def _newest(self, tags: list[str]) -> Any:
        with errors.told('Looking for an image'):
            found = list(self.tools.cloud.image.images(tag=tags, status='active', sort='created_at:desc'))
        if not found:
            raise exception.ImageNotFound(image=', '.join(tags))
        return found[0]
