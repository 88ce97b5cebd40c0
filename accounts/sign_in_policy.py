"""Reading and changing the rules of signing in. Each change is in the history with its person."""

import ipaddress
from collections.abc import Iterable, Mapping

from django.db.models import Field

from core.audit.acting import Actor, acting
from core.client_address import is_within, parse_address
from core.errors import DomainError

from .models import BOUNDS, Role, RoleNetworks, SignInPolicy

ONLY = 1


def label_of(name: str) -> str:
    """What a number of the policy is called."""
    field = SignInPolicy._meta.get_field(name)
    assert isinstance(field, Field)
    return str(field.verbose_name)


def current_policy() -> SignInPolicy:
    """The policy as it stands now; its defaults before anybody has changed it."""
    return SignInPolicy.objects.filter(pk=ONLY).first() or SignInPolicy(pk=ONLY)


def change_policy(*, actor: Actor, values: Mapping[str, int]) -> SignInPolicy:
    """Sets the given numbers. DomainError for a number outside its bounds; then nothing changes."""
    for name, value in values.items():
        bound = BOUNDS[name]
        if not bound.least <= value <= bound.greatest:
            label = label_of(name)
            raise DomainError(
                f"{label}は{bound.least}から{bound.greatest}{bound.unit}の間で指定してください。"
            )
    with acting(actor, "change_sign_in_policy"):
        policy = SignInPolicy.objects.select_for_update().get_or_create(pk=ONLY)[0]
        for name, value in values.items():
            setattr(policy, name, value)
        policy.save()
    return policy


def parse_networks(lines: Iterable[str]) -> list[str]:
    """Networks in their plain form, one per line. DomainError names the first line that is none."""
    networks = []
    for line in lines:
        text = line.strip()
        if not text:
            continue
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise DomainError(
                f"接続元「{text}」はアドレスではありません。192.0.2.10 や 192.0.2.0/24 の形で入力してください。"
            ) from None
        if str(network) not in networks:
            networks.append(str(network))
    return networks


def networks_of(role: str) -> list[str]:
    """From which networks a role may sign in; empty: from anywhere."""
    return RoleNetworks.objects.filter(role=role).values_list("networks", flat=True).first() or []


def change_networks(
    *, actor: Actor, role: str, networks: list[str], from_address: str, own_role: str
) -> None:
    """Sets the networks of a role. Refuses a list that would shut out the person who sets it."""
    address = parse_address(from_address)
    if role == own_role and networks and (address is None or not is_within(address, networks)):
        raise DomainError(
            f"いまの接続元（{from_address or '不明'}）が含まれていないため、保存するとあなた自身がログインできなくなります。"
        )
    with acting(actor, "change_role_networks"):
        row = RoleNetworks.objects.select_for_update().get_or_create(role=Role(role))[0]
        row.networks = networks
        row.save()
