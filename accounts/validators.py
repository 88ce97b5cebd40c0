"""What a password must be, by the policy as it stands (accounts.models.SignInPolicy)."""

import re

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

from .models import PasswordRecord, User
from .sign_in_policy import current_policy

_CLASSES = (re.compile(r"[A-Z]"), re.compile(r"[a-z]"), re.compile(r"[0-9]"), re.compile(r"[^A-Za-z0-9]"))


class PolicyLengthValidator:
    """At least as many characters as the policy asks for."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError for a shorter one."""
        least = current_policy().password_min_length
        if len(password) < least:
            raise ValidationError(
                f"パスワードが短すぎます。{least}文字以上にしてください。", code="password_too_short"
            )

    def get_help_text(self) -> str:
        """The rule in words."""
        return f"{current_policy().password_min_length}文字以上にしてください。"


class PolicyClassesValidator:
    """Characters of as many kinds as the policy asks for."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError for fewer kinds."""
        wanted = current_policy().password_classes
        if sum(bool(kind.search(password)) for kind in _CLASSES) < wanted:
            raise ValidationError(self.get_help_text(), code="password_too_plain")

    def get_help_text(self) -> str:
        """The rule in words."""
        return f"英大文字・英小文字・数字・記号のうち{current_policy().password_classes}種類以上を使ってください。"


class PolicyReuseValidator:
    """None of the passwords the person had lately."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError for one of them."""
        if user is None or user.pk is None:
            return
        count = current_policy().password_reuse
        records = PasswordRecord.objects.filter(user=user)[:count]
        hashes = {user.password, *(record.password for record in records)}
        if any(check_password(password, had) for had in hashes):
            raise ValidationError(self.get_help_text(), code="password_used_before")

    def password_changed(self, password: str, user: User) -> None:
        """Remembers the new one's hash (called by Django once the password is saved)."""
        PasswordRecord.objects.create(user=user, password=user.password)

    def get_help_text(self) -> str:
        """The rule in words."""
        return f"直近{current_policy().password_reuse}回のパスワードは使えません。"
