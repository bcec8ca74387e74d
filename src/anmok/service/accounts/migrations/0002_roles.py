"""The three roles, and the one row of the owner's preferences.

What each role may do is brought up to date after every migration (``accounts.roles.bring_up_to_date``): Django makes
permissions only then, and models that come later have theirs, too.
"""

from django.db import migrations

ROLES = ("curator", "labeller", "admin")


def make(apps, _editor):
    Group = apps.get_model("auth", "Group")
    for name in ROLES:
        Group.objects.get_or_create(name=name)
    apps.get_model("accounts", "OwnerPreferences").objects.get_or_create(pk=1)


def take_back(apps, _editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make, take_back)]
