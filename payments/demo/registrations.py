"""Candidates of the demonstration on their way into the register: invited, to be checked by the institution, by the office."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageDraw

from accounts.models import User
from core import clock
from core.agreements.services import current_text
from core.banks.models import Branch
from experts.registration.criteria import certificates_needed, criteria_for
from experts.registration.models import Registration
from experts.registration.services import (
    TEXTS,
    add_certificate,
    kinds_of,
    pass_to_office,
    recommend,
    registration_by_token,
    save_entry,
    submit,
)
from institutions.models import Institution


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Somebody an institution met; `values`: what they enter, {} for nothing yet."""

    name: str
    kana: str
    manner: str
    notes: str
    why: str
    values: dict[str, Any]
    reaches_office: bool = False


_CANDIDATES: Final = (
    _Candidate(
        "藤本 真理",
        "フジモト マリ",
        "WEB",
        "通信販売の立ち上げを10社で支援した。平日の日中に訪問できる。",
        "会員企業から問い合わせの多いWEB販売の支援ができるため。",
        {},
    ),
    _Candidate(
        "橋爪 健司",
        "ハシヅメ ケンジ",
        "来所",
        "工作機械の会社で工場長を務めた。段取り替えの短縮と在庫の削減の実績を、資料で確かめた。",
        "製造業の現場の改善を、実務の経験から助言できるため。",
        {
            "requirement": "実務経験",
            "practice_from": "2004-04",
            "practice_text": "2004年4月から工作機械製造会社に勤務。2012年から工場長として生産管理と改善活動を統括。",
            "topics": ["生産性向上"],
            "industries": ["E"],
        },
    ),
    _Candidate(
        "大月 由紀",
        "オオツキ ユキ",
        "訪問",
        "中小企業診断士として独立し5年。創業と資金繰りの相談を年間40件受けている。",
        "創業者の資金計画を、決算書に基づいて助言できるため。",
        {
            "requirement": "資格",
            "qualifications": ["中小企業診断士"],
            "topics": ["創業", "資金繰り"],
            "industries": ["I", "M"],
        },
        reaches_office=True,
    ),
)


def recommend_candidates(institution: Institution, chief: User) -> None:
    """One candidate for each step, through the services, as the people themselves would."""
    for number, candidate in enumerate(_CANDIDATES, start=1):
        mail = f"candidate{number}@demo.example.jp"
        _, token = recommend(
            institution=institution,
            candidate_name=candidate.name,
            candidate_email=mail,
            candidate_phone=f"090-0000-100{number}",
            interview_on=clock.today() - dt.timedelta(days=number),
            interview_manner=candidate.manner,
            interviewer=chief.get_full_name(),
            interview_notes=candidate.notes,
            recommendation=candidate.why,
            actor=chief,
            key=f"demo-{number}",
        )
        if candidate.values:
            row = _fill_in(token, candidate, number, mail)
            if candidate.reaches_office:
                codes = [point.code for point in criteria_for(row.entry, kinds_of(row))]
                pass_to_office(registration=row, checks=codes, actor=chief)


def _fill_in(token: str, candidate: _Candidate, number: int, mail: str) -> Registration:
    branch = Branch.objects.select_related("bank").order_by("bank__code", "code").first()
    assert branch is not None
    entry = {
        "name": candidate.name,
        "kana": candidate.kana,
        "prefecture_code": "13",
        "address": f"東京都千代田区見本町{number}-{number}-{number}",
        "phone": f"090-0000-100{number}",
        "email": mail,
        "payee_class": "報酬2号",
        "bank_code": branch.bank.code,
        "branch_code": branch.code,
        "account_type": "普通",
        "account_number": f"900000{number}",
        "account_holder_kana": candidate.kana,
        **candidate.values,
    }
    revision = save_entry(registration=_live(token), entry=entry, revision=0)
    for kind in certificates_needed(str(entry["requirement"])):
        add_certificate(registration=_live(token), kind=kind, upload=_paper(), key=f"demo-{kind}")
    versions: dict[str, str] = {code: current_text(code).version for code in TEXTS}
    submit(registration=_live(token), agreed=versions, revision=revision)
    return _live(token)


def _live(token: str) -> Registration:
    found = registration_by_token(token)
    assert found is not None
    return found


def _paper() -> io.BytesIO:
    """A card with lines, as a photograph of a paper looks from afar."""
    paper = Image.new("RGB", (900, 600), "#f4f1e8")
    draw = ImageDraw.Draw(paper)
    draw.rectangle((20, 20, 880, 580), outline="#8a8474", width=4)
    for line in range(6):
        draw.line((80, 130 + line * 70, 820 - line % 2 * 200, 130 + line * 70), fill="#55503f", width=10)
    content = io.BytesIO()
    paper.save(content, "JPEG", quality=85)
    content.seek(0)
    return content
