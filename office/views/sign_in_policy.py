"""The rules of signing in, on a screen."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import reauthentication
from accounts.models import BOUNDS, Role, RoleNetworks
from accounts.sign_in_policy import change_networks, change_policy, current_policy, label_of
from core.audit.models import Change
from core.client_address import address_of
from core.errors import DomainError
from office.access import office_view, person
from office.people_forms import NetworksForm, PolicyForm


def _changes() -> list[dict[str, object]]:
    """The latest changes of policy and networks: who, when, what to what."""
    rows = Change.objects.filter(table__in=("accounts_signinpolicy", "accounts_rolenetworks")).order_by(
        "-pk"
    )[:20]
    found = []
    for row in rows:
        old, new = row.old or {}, row.new or {}
        if row.table == "accounts_signinpolicy":
            parts = [
                f"{label_of(name)}: {old.get(name, bound.default)} → {new.get(name)}"
                for name, bound in BOUNDS.items()
                if old.get(name, bound.default) != new.get(name)
            ]
        else:
            label = dict(Role.choices).get(new.get("role", ""), "")
            before, after = ("、".join(side.get("networks", [])) or "制限なし" for side in (old, new))
            parts = [f"{label}の接続元: {before} → {after}"] if before != after else []
        if parts:
            found.append({"at": row.at, "actor": row.actor_name, "action": "　".join(parts), "reason": ""})
    return found


@office_view("manage_users")
def sign_in_policy(request: HttpRequest) -> HttpResponse:
    """Shows the rules and who changed them."""
    networks = dict(RoleNetworks.objects.values_list("role", "networks"))
    context = {
        "section": "policy",
        "policy": PolicyForm(instance=current_policy()),
        "networks": NetworksForm(
            initial={role.value: "\n".join(networks.get(role.value, [])) for role in Role}
        ),
        "address": address_of(request),
        "changes": _changes(),
    }
    return render(request, "office/sign_in/policy.html", context)


@office_view("manage_users")
@reauthentication.required
def sign_in_policy_change(request: HttpRequest) -> HttpResponse:
    """Sets the numbers."""
    form = PolicyForm(request.POST or None, instance=current_policy())
    if request.method == "POST" and form.is_valid():
        change_policy(actor=person(request), values={name: form.cleaned_data[name] for name in BOUNDS})
        messages.success(request, "ログインの規則を変更しました。")
        return redirect("office:sign_in_policy")
    return render(request, "office/sign_in/policy_change.html", {"section": "policy", "form": form})


@office_view("manage_users")
@reauthentication.required
def sign_in_networks_change(request: HttpRequest) -> HttpResponse:
    """Sets from where each role may sign in."""
    user = person(request)
    known = dict(RoleNetworks.objects.values_list("role", "networks"))
    initial = {role.value: "\n".join(known.get(role.value, [])) for role in Role}
    form = NetworksForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        for role in Role:
            if form.cleaned_data[role.value] != known.get(role.value, []):
                try:
                    change_networks(
                        actor=user,
                        role=role,
                        networks=form.cleaned_data[role.value],
                        from_address=address_of(request),
                        own_role=user.role,
                    )
                except DomainError as refusal:
                    form.add_error(role.value, refusal.message)
        if not form.errors:
            messages.success(request, "接続元の許可を変更しました。")
            return redirect("office:sign_in_policy")
    context = {"section": "policy", "form": form, "address": address_of(request)}
    return render(request, "office/sign_in/networks_change.html", context)
