"""Where the owner keeps accounts, tokens and preferences, and reads what was done."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from anmok.i18n import _
from anmok.service.accounts.forms import TokenForm
from anmok.service.accounts.models import Entry, OwnerPreferences, Token
from anmok.service.accounts.roles import ROLES
from anmok.service.accounts.tokens import fill, revoke
from anmok.service.language import gettext_lazy

User = get_user_model()
admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.site_header = admin.site.site_title = gettext_lazy("Anmok administration")


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Accounts. Who is no superuser gives roles, and touches nobody who may do more: nobody can raise themselves."""

    list_display = ("username", "email", "roles", "is_active", "is_superuser", "last_login")
    list_filter = ("groups", "is_active", "is_superuser")

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, account: Any) -> str:
        """Return the roles of an account."""
        return ", ".join(sorted(group.name for group in account.groups.all()))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the accounts with their roles."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what is shown of an account; staff is whoever holds a role (``roles.let_in``)."""
        if obj is None:
            return super().get_fieldsets(request, obj)
        rights: tuple[str, ...] = ("is_active", "groups")
        if request.user.is_superuser:
            rights = (*rights, "is_staff", "is_superuser", "user_permissions")
        return (
            (None, {"fields": ("username", "password")}),
            (_("Person"), {"fields": ("first_name", "last_name", "email")}),
            (_("Rights"), {"fields": rights}),
            (_("Dates"), {"fields": ("last_login", "date_joined")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what nobody fills in."""
        return ("last_login", "date_joined")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer groups; who is no superuser gives the three roles alone."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and not request.user.is_superuser:
            field.queryset = field.queryset.filter(name__in=ROLES)
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Keep the groups of an account that were not offered to who gives it roles."""
        chosen = form.cleaned_data
        if "groups" in chosen and not request.user.is_superuser:
            chosen["groups"] = [*chosen["groups"], *form.instance.groups.exclude(name__in=ROLES)]
        super().save_related(request, form, formsets, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether an account may be changed; this holds for its password, too."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether an account may be deleted."""
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """Groups: the three roles, and what an owner adds. For superusers alone: who may fill groups may do anything."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether they are shown."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether a group may be deleted; a role comes back at the next start."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.name not in ROLES)


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    """Tokens of programs: made here, shown once, revoked here."""

    form = TokenForm
    list_display = ("name", "beginning", "account", "scopes", "created", "used", "expires", "revoked")
    list_filter = ("account",)
    search_fields = ("name", "beginning")
    actions = ("revoke_chosen",)

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: a token that was given away keeps its account and its end."""
        return () if obj is None else ("account", "beginning", "expires", "created", "used", "revoked")

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        """Return what is shown of a token; the token itself is not kept."""
        shown = ("name", "account", "scopes", "expires")
        return shown if obj is None else (*shown, "beginning", "created", "used", "revoked")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a new token's form is filled with: whoever makes it."""
        return {"account": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer accounts; who is no superuser makes no token that acts for one."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "account" and not request.user.is_superuser:
            field.queryset = field.queryset.filter(is_superuser=False)
        return field

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        """Keep a token; a new one is drawn now and shown by ``response_add``."""
        if not change:
            request.token_to_show = fill(obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Token, post_url_continue: str | None = None) -> HttpResponse:
        """Show the new token, this once."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The token {name}").format(name=obj.name),
            "words": _("Copy it now: it is shown this once and kept nowhere. Programs send it as"),
            "header": f"Authorization: Bearer {request.token_to_show}",
            "back": _("To all tokens"),
            "back_address": reverse("admin:accounts_token_changelist"),
        }
        response = TemplateResponse(request, "accounts/token_made.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    @admin.action(description=gettext_lazy("Revoke the chosen tokens"), permissions=["change"])
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[Token]) -> None:
        """End tokens at once."""
        mine = [token for token in chosen.select_related("account") if self.has_change_permission(request, token)]
        count = sum(revoke(token) for token in mine)
        self.message_user(request, _("Tokens revoked: {count}.").format(count=count), messages.SUCCESS)

    def has_change_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        """Tell whether a token may be changed; one that acts for a superuser, by superusers alone."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj and obj.account)


@admin.register(OwnerPreferences)
class OwnerPreferencesAdmin(admin.ModelAdmin):
    """The owner's preferences: one row, which its list leads to."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one row."""
        return HttpResponseRedirect(reverse("admin:accounts_ownerpreferences_change", args=[1]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell that there is one already."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that it stays."""
        return False


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """The log of what was done: to read."""

    list_display = ("created", "actor", "via", "action", "kind", "title", "told")
    list_filter = ("action", "kind", "via", "created")
    search_fields = ("actor", "title", "target")
    list_per_page = 50

    @admin.display(description=gettext_lazy("changes"))
    def told(self, entry: Entry) -> str:
        """Return the changes in a line."""
        return format_html("<code>{}</code>", json.dumps(entry.changes, ensure_ascii=False)) if entry.changes else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell that nobody writes it."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that nobody changes it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell that nobody deletes it."""
        return False


def _may_touch(request: HttpRequest, account: Any) -> bool:
    """Tell whether who asks has every right of an account: else its password would be a way to more of them."""
    if account is None or request.user.is_superuser:
        return True
    return not account.is_superuser and _rights(account) <= _rights(request.user)


def _rights(account: Any) -> set[int]:
    """Return the permissions that an account has, or would have if it were active."""
    held = Permission.objects.filter(Q(user=account) | Q(group__user=account))
    return set(held.values_list("pk", flat=True))
