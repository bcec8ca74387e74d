"""Forms of the admin: every value is checked as in files, and a refusal says what came and what was wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.html import format_html, format_html_join

from anmok.errors import PictureError
from anmok.i18n import _
from anmok.service.cards.classes import answering_classes
from anmok.service.cards.models import Card, CardPhoto, Nearby
from anmok.service.cards.photos import put, remove_unnamed
from anmok.service.cards.transfer.checking import CHECKS, label_text, name_text
from anmok.service.cards.wording import Unwanted
from anmok.service.uploads.keeping import Kept, encode


class CheckedForm(forms.ModelForm):
    """A form whose fields take what ``checks`` say, and nothing else."""

    #: By name of the field; the function raises ``Unwanted``.
    checks: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, text in self.helps().items():
            if name in self.fields:
                self.fields[name].help_text = text
        for field in self.fields.values():
            # Too long is said in our words, with what came.
            if isinstance(field, forms.CharField):
                field.max_length = None
                field.validators = []
                field.widget.attrs.pop("maxlength", None)

    def helps(self) -> dict[str, str]:
        """Return what stands below the fields, in the reader's language."""
        return {
            "latitude": _("Degrees north, for example 33.306; both or neither."),
            "longitude": _("Degrees east, for example 126.29."),
        }

    def _clean_fields(self) -> None:
        super()._clean_fields()
        for name, check in self.checks.items():
            if name not in self.cleaned_data:
                continue
            try:
                self.cleaned_data[name] = check(self.cleaned_data[name])
            except Unwanted as unwanted:
                self.add_error(name, ValidationError(str(unwanted)))


class ClassInput(forms.TextInput):
    """A line that proposes the classes of the model that have no card."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        """Return the line and what it proposes, as HTML."""
        carded = set(Card.objects.values_list("label", flat=True))
        free = [(label,) for label in answering_classes() if label not in carded]
        options = format_html_join("", '<option value="{}"></option>', free)
        line = super().render(name, value, {**(attrs or {}), "list": "classes"}, renderer)
        return format_html('{}<datalist id="classes">{}</datalist>', line, options)


class CardForm(CheckedForm):
    """A card."""

    checks: ClassVar = {"label": label_text} | {
        name: CHECKS[name]
        for name in (
            "number",
            "name_en",
            "name_ko",
            "description_en",
            "description_ko",
            "latitude",
            "longitude",
            "link",
        )
    }
    # Taken as text: what is wrong with a figure is said by the checks.
    number = forms.CharField()
    label = forms.CharField(widget=ClassInput(attrs={"class": "vTextField"}))
    latitude = forms.CharField(required=False)
    longitude = forms.CharField(required=False)
    link = forms.CharField(required=False, widget=forms.TextInput(attrs={"class": "vTextField", "inputmode": "url"}))

    class Meta:
        model = Card
        fields = (
            "number",
            "label",
            "name_en",
            "name_ko",
            "description_en",
            "description_ko",
            "latitude",
            "longitude",
            "link",
        )

    def helps(self) -> dict[str, str]:
        """Return what stands below the fields."""
        return super().helps() | {
            "number": _("What people and programs call the class by."),
            "label": _("Exactly as the model has it, with capital letters and spaces."),
        }


class NearbyForm(CheckedForm):
    """A place near a card."""

    checks: ClassVar = {name: CHECKS[name] for name in ("name_en", "name_ko", "latitude", "longitude", "link")}
    latitude = forms.CharField(required=False, widget=forms.TextInput(attrs={"size": 10}))
    longitude = forms.CharField(required=False, widget=forms.TextInput(attrs={"size": 10}))
    link = forms.CharField(required=False, widget=forms.TextInput(attrs={"inputmode": "url"}))

    class Meta:
        model = Nearby
        fields = ("category", "name_en", "name_ko", "latitude", "longitude", "link")

    def helps(self) -> dict[str, str]:
        """Return nothing: a table has no room for it."""
        return {}


class PhotoForm(CheckedForm):
    """A photo of a card; a new one is uploaded, one that is kept may be exchanged."""

    checks = dict.fromkeys(("description_en", "description_ko", "credit"), name_text)
    photo = forms.FileField(required=False, widget=forms.FileInput(attrs={"accept": "image/*"}))
    order = forms.IntegerField(required=False, min_value=0, max_value=9999, widget=forms.NumberInput(attrs={"size": 4}))

    class Meta:
        model = CardPhoto
        fields = ("order", "photo", "description_en", "description_ko", "credit")

    def helps(self) -> dict[str, str]:
        """Return nothing: a table has no room for it."""
        return {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            # Left empty it becomes the last one.
            self.initial["order"] = None

    def clean(self) -> dict[str, Any]:
        """Decode and re-encode what came, within the limits of all photos."""
        values = super().clean() or self.cleaned_data
        upload = values.get("photo")
        self.kept: Kept | None = None
        if upload is not None:
            try:
                self.kept = encoded(upload)
            except PictureError as error:
                self.add_error("photo", ValidationError(error.message))
        elif not self.instance.pk:
            self.add_error("photo", ValidationError(_("No photo came. Choose a file.")))
        return values

    def save(self, commit: bool = True) -> CardPhoto:
        """Store the photo before the row that names it."""
        if self.kept is not None:
            put(self.kept)
            row, before = self.instance, self.instance.picture
            if before and before != self.kept.picture:
                transaction.on_commit(lambda: remove_unnamed(before))
            row.picture, row.width, row.height = self.kept.picture, self.kept.width, self.kept.height
        if self.instance.order is None:
            last = CardPhoto.objects.filter(card=self.instance.card).aggregate(last=Max("order"))["last"]
            self.instance.order = 0 if last is None else last + 1
        return super().save(commit)


def encode_photos(files: Mapping[str, Any]) -> None:
    """Encode the photos of a card's form before Django opens its transaction.

    On SQLite nobody else could keep anything while they are decoded. What is wrong with one is told by its form.
    """
    for name, upload in files.items():
        if name.endswith("-photo"):
            with suppress(PictureError):
                encoded(upload)


def encoded(upload: Any) -> Kept:
    """Return an uploaded photo as it would be kept; the work is done once.

    Raises:
        PictureError: it cannot be read, or is too large.
    """
    if not hasattr(upload, "kept"):
        try:
            upload.kept = encode(upload.name, upload.read())
        except PictureError as error:
            upload.kept = error
    if isinstance(upload.kept, PictureError):
        raise upload.kept
    kept: Kept = upload.kept
    return kept


class ImportForm(forms.Form):
    """A file of cards."""

    file = forms.FileField()
    replace = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].label = _("File of cards, CSV or JSON")
        self.fields["replace"].label = _("Remove what the file does not name")
