"""The text by which a client agrees to sharing its data (requirements C2, I1), in dated versions.

A version that was shown to anybody is never changed: cases keep its name beside who agreed and when. New words are a
new version with its first day.
"""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsentText:
    """One version: its name, the first day it is asked with, and its paragraphs."""

    version: str
    first_day: dt.date
    paragraphs: tuple[str, ...]


VERSIONS = (
    ConsentText(
        "2021-1",
        dt.date(2021, 4, 1),
        (
            "専門家派遣の申請と実施にあたり、当社（私）に関する次の情報を、派遣可能機関、事務局、派遣される専門家、"
            "中小企業庁および経済産業局が共有することに同意します。",
            "共有する情報：企業名・所在地・連絡先などの登録内容、相談の内容と課題の整理、派遣の日時・場所・支援内容、"
            "従事証明と満足度調査の回答。",
            "利用の目的：派遣の審査と実施、謝金・旅費の支払の確認、支援後の状況の確認、事業の評価。"
            "これら以外の目的には利用しません。",
            "同意を取り消すときは、派遣可能機関または事務局へ申し出ます。",
        ),
    ),
)


def consent_text(day: dt.date) -> ConsentText:
    """The version that is asked with on a day: the latest one begun; before any, the first."""
    begun = [text for text in VERSIONS if text.first_day <= day]
    return begun[-1] if begun else VERSIONS[0]


def consent_text_of(version: str) -> ConsentText | None:
    """The version of that name; None for a name of elsewhere."""
    return next((text for text in VERSIONS if text.version == version), None)
