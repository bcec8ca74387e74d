"""What a token may be made for."""

from __future__ import annotations

from django.db import models

from anmok.service.language import gettext_lazy


class Scope(models.TextChoices):
    """What a program may do that shows the token."""

    IDENTIFY = "identify", gettext_lazy("ask what photos show")
    READ = "read", gettext_lazy("read cards, what lies near them, and models")
    CARDS_WRITE = "cards:write", gettext_lazy("write cards and what lies near them")
    UPLOADS_READ = "uploads:read", gettext_lazy("read what visitors gave")
    UPLOADS_WRITE = "uploads:write", gettext_lazy("correct and delete what visitors gave")


#: Permissions that the token's account must hold for a scope, too: a token never allows more than its account.
NEEDED: dict[models.TextChoices, tuple[str, ...]] = {
    Scope.IDENTIFY: (),
    Scope.READ: (),
    Scope.CARDS_WRITE: ("cards.add_card", "cards.change_card", "cards.delete_card"),
    Scope.UPLOADS_READ: ("uploads.view_upload",),
    Scope.UPLOADS_WRITE: ("uploads.change_upload", "uploads.delete_upload"),
}
#: What nobody needs a token for while the owner lets visitors in.
OF_VISITORS = frozenset({Scope.IDENTIFY, Scope.READ})
