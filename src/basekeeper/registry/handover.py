"""What another program needs to fetch an image as we would: address, login, opt-ins.

A password is never handed over where the registry wants a token: the other program would send it
to whatever realm the registry names then. The token is asked for here, where `Host.trusts` decides.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.registry.tokens import Scope
from basekeeper.values.scanning import Login, RegistryImage

if TYPE_CHECKING:
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.session import Session
    from basekeeper.values.reference import Reference

_BEARER: Final = "Bearer "
_BASIC: Final = "Basic "


def hand_over(session: Session, host: Host, image: Reference, platform: str) -> RegistryImage:
    """Say where an image is to be fetched from, as whom.

    Raises:
        RegistryError: There is no token, or the host cannot be asked.
    """
    own = host.repository(image.repository)
    path = f"/v2/{own}/manifests/{image.digest or image.tag or 'latest'}"
    return RegistryImage(
        reference=image,
        platform=platform,
        # Programs know by themselves which host speaks for Docker Hub, and its login by that name.
        repository=f"{host.address}/{own}" if host.is_mirror else None,
        login=read_login(session.authorization(host, path, Scope(own))),
        http=host.base_url.startswith("http://"),
        authority=None if host.ca is None else Path(host.ca),
    )


def read_login(authorization: str | None) -> Login | None:
    """Turn an Authorization header into a login."""
    if authorization is None:
        return None
    if authorization.startswith(_BEARER):
        return Login(bearer_token=authorization.removeprefix(_BEARER))
    pair = base64.b64decode(authorization.removeprefix(_BASIC)).decode("utf-8", "replace")
    username, _, password = pair.partition(":")
    return Login(username=username, password=password)
