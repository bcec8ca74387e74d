"""The form in which a token is made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from anmok.i18n import _
from anmok.service.accounts.models import Token
from anmok.service.accounts.scopes import Scope
from anmok.service.accounts.tokens import scopes_problem
from anmok.service.language import gettext_lazy


class TokenForm(forms.ModelForm):
    """What a token is for, whom it acts for, and how long it lets in."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("scopes"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Token
        fields = ("name", "account", "scopes", "expires")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without an account its scopes would be all that counts: only whoever may use the command line makes such.
        if "account" in self.fields:
            self.fields["account"].required = True

    def clean_expires(self) -> Any:
        """Refuse an end that has passed."""
        expires = self.cleaned_data["expires"]
        if expires is not None and expires <= timezone.now():
            raise ValidationError(_("That moment has passed."))
        return expires

    def clean(self) -> dict[str, Any]:
        """Refuse scopes that the account does not have: the token would let nobody in there."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        account = values.get("account") or self.instance.account
        words = scopes_problem(values.get("scopes", ()), account) if account else ""
        if words:
            self.add_error("scopes", words)
        return values
