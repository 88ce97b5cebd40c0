"""A value of a rule set: kind, Japanese label and unit, how it is read, checked and written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rules.dates import MonthDay

INT = "int"
DECIMAL = "decimal"
CHOICE = "choice"
BOOL = "bool"
DATE_RULE = "date-rule"
LIST = "list"
INT_MAPPING = "int-mapping"
CHOICE_MAPPING = "choice-mapping"

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a rule set.

    `choices` are (value, Japanese label): of a list its possible members, of a mapping its possible
    values. `keys` are the keys of a mapping, `all_keys` says that each of them must be there.
    """

    label: str
    kind: str
    help: str
    unit: str = ""
    minimum: int = 0
    maximum: int = 9_999_999_999
    choices: tuple[Choice, ...] = ()
    keys: tuple[str, ...] = ()
    all_keys: bool = False
    name: str = ""

    def parse(self, raw: object) -> object:
        """The typed value of a JSON value; ValueError with a Japanese message when it is none."""
        if self.kind == INT:
            return self._integer(raw)
        if self.kind == DECIMAL:
            return self._decimal(raw)
        if self.kind == BOOL:
            if not isinstance(raw, bool):
                raise ValueError("はい（true）かいいえ（false）を指定してください")
            return raw
        if self.kind == CHOICE:
            return self._choice(raw)
        if self.kind == DATE_RULE:
            if not isinstance(raw, str):
                raise ValueError("月日は「04-01」または「02-末」の形で入力してください")
            return MonthDay.parse(raw)
        if self.kind == LIST:
            if not isinstance(raw, list | tuple):
                raise ValueError("一覧で指定してください")
            return frozenset(self._choice(member) for member in raw)
        return self._mapping(raw)

    def dump(self, value: object) -> object:
        """The JSON value of a typed value; `parse` reads it back."""
        if isinstance(value, Decimal | MonthDay):
            return str(value)
        if isinstance(value, frozenset):
            order = {choice: position for position, (choice, _) in enumerate(self.choices)}
            return sorted(value, key=order.__getitem__)
        if isinstance(value, Mapping):
            return {key: value[key] for key in self.keys if key in value}
        return value

    def _integer(self, raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError("整数を入力してください")
        try:
            number = int(raw)
        except ValueError:
            raise ValueError("整数を入力してください") from None
        self._check_range(number)
        return number

    def _decimal(self, raw: object) -> Decimal:
        if isinstance(raw, bool) or not isinstance(raw, int | str | Decimal):
            raise ValueError("数値を入力してください")
        try:
            number = Decimal(raw)
        except InvalidOperation:
            raise ValueError("数値を入力してください") from None
        if not number.is_finite():
            raise ValueError("数値を入力してください")
        self._check_range(number)
        return number

    def _check_range(self, number: int | Decimal) -> None:
        if not self.minimum <= number <= self.maximum:
            raise ValueError(f"{self.minimum:,}以上{self.maximum:,}以下で入力してください")

    def _choice(self, raw: object) -> str:
        for value, _ in self.choices:
            if raw == value:
                return value
        raise ValueError(
            f"次から選んでください: {'、'.join(value or '（なし）' for value, _ in self.choices)}"
        )

    def _mapping(self, raw: object) -> Mapping[str, object]:
        if not isinstance(raw, Mapping):
            raise ValueError("区分ごとの値を指定してください")
        unknown = [str(key) for key in raw if key not in self.keys]
        if unknown:
            raise ValueError(f"知らない区分です: {'、'.join(unknown)}")
        missing = [key for key in self.keys if self.all_keys and key not in raw]
        if missing:
            raise ValueError(f"区分が足りません: {'、'.join(missing)}")
        read = self._integer if self.kind == INT_MAPPING else self._choice
        parsed: dict[str, object] = {}
        for key in self.keys:
            if key in raw:
                try:
                    parsed[key] = read(raw[key])
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from None
        return parsed
