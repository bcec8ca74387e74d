"""The log of what was done: written beside each change, whoever made it and however it came."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model, TextChoices
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from anmok.service.accounts.acting import VISITOR, actor, in_request
from anmok.service.accounts.models import Entry

#: Apps whose models are watched, and models that are not: permissions are made by migrations.
_APPS, _LEFT_OUT = ("cards", "uploads", "auth", "accounts"), ("auth.Permission", "accounts.Entry")
#: What people call a model in the log; others by their own name.
_KINDS = {
    "cards.CardPhoto": "photo of a card",
    "cards.Nearby": "place nearby",
    "auth.User": "account",
    "auth.Group": "role",
    "accounts.OwnerPreferences": "settings",
    "uploads.KeepingRules": "settings",
}
#: What visitors give: each row has a date of its own, and the nightly command deletes many.
_GIVEN = "uploads.Upload"
#: Fields of which only is said that they changed, and fields whose change is nothing that somebody did.
_SECRET, _UNTOLD = frozenset({"password", "digest"}), frozenset({"last_login", "used"})
#: Characters of a value that are kept.
_LONGEST = 200
Changes = dict[str, list[Any]]


def note(
    action: TextChoices | str, kind: str, *, target: object = "", title: str = "", changes: Changes | None = None
) -> None:
    """Write what was done into the log, under the name of who does it now.

    Args:
        action: one of ``Entry.Action``.
        kind: what the log calls such a row. target, title: the row's key and what it is called.
        changes: by field ``[before, after]``.
    """
    who = actor()
    Entry.objects.create(
        actor=who.name[:200],
        account=who.account,
        via=who.via,
        address=who.address,
        action=action,
        kind=kind[:50],
        target=str(target)[:64],
        title=title[:200],
        changes=changes or {},
    )


def kind_of(model: type[Model]) -> str:
    """Return what the log calls the rows of a model."""
    return _KINDS.get(model._meta.label, model._meta.model_name)


def watch() -> None:
    """Let Django tell of every change; called once all models are known."""
    for model in apps.get_models():
        if model._meta.app_label not in _APPS or model._meta.label in _LEFT_OUT:
            continue
        # One by one: a receiver for all models would make every deletion of sessions fetch them first.
        for signal, receiver in ((pre_save, _remember), (post_save, _saved), (post_delete, _deleted)):
            signal.connect(receiver, sender=model, dispatch_uid=f"log {model._meta.label}")
    user = get_user_model()
    for through in (user.groups.through, user.user_permissions.through):
        m2m_changed.connect(_granted, sender=through, dispatch_uid=f"log {through._meta.label}")
    user_logged_in.connect(_logged_in, dispatch_uid="log")
    user_logged_out.connect(_logged_out, dispatch_uid="log")
    user_login_failed.connect(_login_failed, dispatch_uid="log")


def _remember(sender: type[Model], instance: Model, raw: bool, **_signal: Any) -> None:
    """Keep what a row said before, so that ``_saved`` can tell what changed."""
    if not raw and not instance._state.adding:
        instance._before = sender._base_manager.filter(pk=instance.pk).first()


def _saved(sender: type[Model], instance: Model, created: bool, raw: bool, **_signal: Any) -> None:
    if raw:
        return
    kind = kind_of(sender)
    if created:
        if sender._meta.label != _GIVEN:
            note(Entry.Action.CREATED, kind, target=instance.pk, title=str(instance))
        return
    changes = _changes(getattr(instance, "_before", None), instance)
    instance._before = None
    if changes:
        action = Entry.Action.REVOKED if "revoked" in changes else Entry.Action.CHANGED
        note(action, kind, target=instance.pk, title=str(instance), changes=changes)


def _deleted(sender: type[Model], instance: Model, **_signal: Any) -> None:
    if sender._meta.label != _GIVEN or in_request():
        note(Entry.Action.DELETED, kind_of(sender), target=instance.pk, title=str(instance))


def _granted(instance: Model, action: str, model: type[Model], pk_set: set[int] | None, **signal: Any) -> None:
    """Write roles and permissions that an account got or lost; from either end of the relation."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    names = sorted(str(one) for one in model._base_manager.filter(pk__in=pk_set or ()))
    if action == "pre_clear":
        names = ["all"]
    if names:
        changes = {"granted" if action == "post_add" else "taken": [None, ", ".join(names)[:_LONGEST]]}
        note(Entry.Action.CHANGED, kind_of(type(instance)), target=instance.pk, title=str(instance), changes=changes)


def _changes(before: Model | None, after: Model) -> Changes:
    if before is None:
        return {}
    changes: Changes = {}
    for field in after._meta.concrete_fields:
        old, new = field.value_from_object(before), field.value_from_object(after)
        if old != new and field.name not in _UNTOLD:
            changes[field.name] = [] if field.name in _SECRET else [_short(old), _short(new)]
    return changes


def _short(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)[:_LONGEST]


def _logged_in(user: Any, **_signal: Any) -> None:
    note(Entry.Action.LOGGED_IN, "account", target=user.pk, title=user.get_username())


def _logged_out(user: Any, **_signal: Any) -> None:
    if user is not None:
        note(Entry.Action.LOGGED_OUT, "account", target=user.pk, title=user.get_username())


def _login_failed(credentials: dict[str, Any], **_signal: Any) -> None:
    # A name that no account has may be a password in the wrong field: it is not written down.
    user = get_user_model()._default_manager.filter(username=credentials.get("username") or "").first()
    if user is None:
        note(Entry.Action.LOGIN_FAILED, "account", title=VISITOR)
    else:
        note(Entry.Action.LOGIN_FAILED, "account", target=user.pk, title=user.get_username())
