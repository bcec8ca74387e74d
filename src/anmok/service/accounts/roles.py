"""What staff may do: three roles, which are Django's groups; what each may is brought up to date at each migration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig

CURATOR, LABELLER, ADMIN = "curator", "labeller", "admin"
ROLES = (CURATOR, LABELLER, ADMIN)

_ALL = ("view", "add", "change", "delete")
#: By role: what it may do with the models of an app, or with one model of it.
MAY: dict[str, dict[str, tuple[str, ...]]] = {
    CURATOR: {"cards": _ALL, "uploads.upload": ("view",)},
    LABELLER: {"cards": ("view",), "uploads.upload": ("view", "change")},
    ADMIN: {
        "cards": _ALL,
        "uploads": _ALL,
        "auth.user": _ALL,
        # Tokens are revoked and never deleted; of the preferences there is one row, and the log is only read.
        "accounts.token": ("view", "add", "change"),
        "accounts.ownerpreferences": ("view", "change"),
        "accounts.entry": ("view",),
    },
}


def permissions_of(role: str, known: Iterable[Any]) -> list[Any]:
    """Return those of all permissions (``auth.Permission``) that a role holds."""
    may = MAY[role]
    held = []
    for permission in known:
        app, model = permission.content_type.app_label, permission.content_type.model
        actions = may.get(f"{app}.{model}", may.get(app, ()))
        if permission.codename in {f"{action}_{model}" for action in actions}:
            held.append(permission)
    return held


def bring_up_to_date(using: str = "default", **_signal: Any) -> None:
    """Give each role what it may; Django calls it after each migration, when the permissions are made.

    So models that came later are covered, and what an owner took from or gave to a role comes back as it is here:
    for other rights they make groups of their own.
    """
    from django.apps import apps
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission
    from django.db import connections

    from anmok.service.accounts.models import Entry

    if Entry._meta.db_table not in connections[using].introspection.table_names():
        # Only a part was migrated, or taken back.
        return
    # Apps that come after this one have not made theirs yet.
    for label in sorted({name.partition(".")[0] for may in MAY.values() for name in may}):
        config: AppConfig = apps.get_app_config(label)
        create_permissions(config, verbosity=0, interactive=False, using=using)
    known = list(Permission.objects.using(using).select_related("content_type"))
    for role in ROLES:
        group, _is_new = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set(permissions_of(role, known))


def let_in(
    instance: Any, action: str, reverse: bool, model: Any, pk_set: set[int] | None = None, **_signal: Any
) -> None:
    """Make whoever holds a role staff, and who holds none any more not: only staff may open the admin.

    Django calls it when the groups of an account change, from either end.
    """
    if action not in ("post_add", "post_remove", "post_clear"):
        return
    for account in model.objects.filter(pk__in=pk_set or ()) if reverse else (instance,):
        staff = account.is_superuser or account.groups.filter(name__in=ROLES).exists()
        if staff != account.is_staff:
            account.is_staff = staff
            account.save(update_fields=["is_staff"])
