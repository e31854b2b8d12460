"""Which answer a challenge gets: a token, a password or nothing; and what to say when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.challenge import Bearer
from basekeeper.registry.credential import Kind
from basekeeper.registry.tokens import Order

if TYPE_CHECKING:
    from basekeeper.registry.challenge import Basic
    from basekeeper.registry.credential import Credential
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.keyring import Keyring
    from basekeeper.registry.tokens import Scope, Tokens

MAX_NOTICES: Final = 32
"""Most reasons kept why credentials were not used: a registry may name a new realm each time."""

_BEARER: Final = "Bearer "


class Authorizer:
    """Answers challenges with the credentials that may be used; safe to share between threads."""

    def __init__(self, keyring: Keyring, tokens: Tokens) -> None:
        """Answer with the user's credentials, and with tokens."""
        self._keyring = keyring
        self._tokens = tokens
        self._notices: dict[str, str] = {}

    def notices(self, registry: str | None = None) -> tuple[str, ...]:
        """Tell why credentials were not read or used: all, or what concerns one registry."""
        unused = self._notices.copy().items()
        own = [text for text, name in unused if registry is None or name == registry]
        return (*self._keyring.notices(registry), *own)

    def answer(
        self,
        host: Host,
        challenge: Bearer | Basic,
        scope: Scope | None,
        *,
        refused: str | None = None,
    ) -> str | None:
        """Return the Authorization header that answers a challenge; None where there is none.

        Args:
            host: Who asks.
            challenge: What it asks for.
            scope: What a token must permit.
            refused: An answer that was refused; then another one is returned, or None.

        Raises:
            RegistryError: There is no token, or nobody may be asked for one.
        """
        credential = self._usable(host, challenge, scope)
        if credential is not None and credential.kind is Kind.BEARER:
            text = _BEARER + credential.secret
        elif isinstance(challenge, Bearer):
            order = Order(challenge.realm, challenge.service, scope, credential)
            return _BEARER + self._token(host, order, refused)
        elif credential is not None:
            text = credential.basic
        else:
            return None
        return None if text == refused else text

    def denied(self, host: Host, challenge: Bearer | Basic, scope: Scope | None) -> RegistryError:
        """Say that nothing more can be answered."""
        what = host.name if scope is None else f"{host.name}/{scope.repository}"
        credential = self._usable(host, challenge, scope)
        if credential is None:
            return RegistryError(
                f"{what}: not found, or to be read only after a login",
                Failure.NOT_FOUND,
                hint=self._login_hint(host),
            )
        return RegistryError(
            f"{what}: refused with the credentials from {credential.source}",
            Failure.DENIED,
            hint="check the name, and what the account may read",
        )

    def _usable(
        self, host: Host, challenge: Bearer | Basic, scope: Scope | None
    ) -> Credential | None:
        """Return the credential, if it may and can answer the challenge."""
        found = self._keyring.credential(host, "" if scope is None else scope.repository)
        if found is None or found.kind is Kind.BEARER:
            return found
        if isinstance(challenge, Bearer):
            if host.trusts(challenge.realm):
                return found
            self._note(
                host,
                f"the credentials for {host.credentials_of} are not sent to"
                f" {urlsplit(challenge.realm).hostname or '':.253}:"
                " name it in token_hosts if both are one",
            )
            return None
        if found.kind is Kind.PASSWORD:
            return found
        self._note(
            host,
            f"the identity token for {host.credentials_of}, from {found.source}, is not used:"
            " a user name and a password are asked for",
        )
        return None

    def _note(self, host: Host, text: str) -> None:
        if len(self._notices) < MAX_NOTICES:
            self._notices[text] = host.credentials_of

    def _token(self, host: Host, order: Order, refused: str | None) -> str:
        """Return a token, or another one than the refused one."""
        if not host.is_permitted(order.realm):
            raise RegistryError(
                f"{host.name}: refused to ask for a token at {order.realm!r:.200}, expected https",
                Failure.REFUSED,
            )
        if host.leads_inside(order.realm):
            raise RegistryError(
                f"{host.name}: refused to ask for a token at {order.host!r:.200},"
                " which may have a private address",
                Failure.REFUSED,
                hint="name it in token_hosts of this registry in the settings if both are yours",
            )
        try:
            if refused is None:
                return self._tokens.get(order)
            return self._tokens.renew(order, refused.removeprefix(_BEARER))
        except RegistryError as error:
            if error.failure is not Failure.NOT_FOUND:
                raise
            hint = self._login_hint(host)
            raise RegistryError(error.message, error.failure, hint=hint) from error

    def _login_hint(self, host: Host) -> str:
        """Say what could make a refusal without credentials go away."""
        if host.anonymous:
            return (
                "check the name; no credentials are sent to a host that a scanned repository's"
                " own file tells how to reach: tell it in your own settings"
            )
        login = f"check the name, or log in to {host.credentials_of}"
        return "; ".join((login, *self.notices(host.credentials_of)))
