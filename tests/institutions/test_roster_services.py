"""Rosters of the agency: the difference line by line, what is refused, and what applying does."""

import datetime as dt
import io
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from pypdf import PdfReader
from stage import Stage

from accounts.models import Role, SignInEvent, User
from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.errors import DomainError, NotAllowed
from core.exchange.services import export_folder, load_files
from core.jobs.progress import JobCancelled, Progress
from core.jobs.registry import KINDS
from institutions.models import Institution, Member, Roster, RosterLine
from institutions.roster.applying import request_apply
from institutions.roster.report import report_lines, report_pdf, report_xlsx
from institutions.roster.selectors import changes_of, rosters_of, tallies
from institutions.roster.services import (
    apply_roster,
    choose_all,
    choose_lines,
    drop_roster,
    platform_faults,
    take_roster,
)

HEAD = "機関コード,機関名,機関区分,都道府県コード,電話番号,地域PFコード,地域PF名,地域PF役割"
# the platform P1 as it stands: four members of two kinds
STANDING = f"""{HEAD}
A1,甲商工会,商工会,13,03-1,P1,見本PF,代表
A2,乙商工会議所,商工会議所,13,03-2,P1,見本PF,構成
A3,丙銀行,構成機関（派遣対象外）,13,03-3,P1,見本PF,構成
A4,丁商工会,商工会,13,03-4,P1,見本PF,構成
Y1,試験よろず,よろず支援拠点,13,03-9,,,
"""
DAY = dt.date(2026, 12, 1)


@pytest.fixture
def operator(db: None) -> User:
    """Somebody of the office, with the platform P1 in the register."""
    load_files({"institutions.csv": io.BytesIO(STANDING.encode())}, actor=SYSTEM)
    return person("tanto", Role.OFFICE_OPERATOR)


def person(name: str, role: str) -> User:
    with acting(SYSTEM, "stage"):
        return User.objects.create(username=name, role=role, email=f"{name}@example.jp")


def taken(actor: User, text: str, kind: str = "platforms", key: str = "k", name: str = "名簿.csv") -> Roster:
    return take_roster(
        file=io.BytesIO(text.encode("utf-8-sig")),
        name=name,
        kind=kind,
        effective_on=DAY,
        key=key,
        actor=actor,
    )


def outcomes(roster: Roster) -> dict[str, str]:
    return {line.code: line.outcome for line in roster.lines.all()}


def line_of(roster: Roster, code: str) -> RosterLine:
    return roster.lines.get(code=code)


CHANGED = f"""{HEAD},責任者氏名,責任者メールアドレス
A1,甲商工会,商工会,13,03-1,P1,見本PF,代表,,
A2,乙商工会議所,商工会議所,13,03-22,P1,見本PF,構成,,
A3,丙銀行,構成機関（派遣対象外）,13,03-3,P1,見本PF,構成,,
A5,戊中央会,中央会,13,03-5,P1,見本PF,構成,戊野 五郎,gono@example.jp
"""


def test_a_roster_is_shown_as_new_changed_gone_and_unchanged(operator: User) -> None:
    roster = taken(operator, CHANGED)
    assert outcomes(roster) == {
        "A1": "unchanged", "A2": "changed", "A3": "unchanged", "A5": "new", "A4": "gone",
    }  # fmt: skip
    (change,) = changes_of(line_of(roster, "A2"))
    assert (change.column, change.was, change.now) == ("電話番号", "03-2", "03-22")
    assert Institution.objects.get(code="A2").phone == "03-2"


def test_what_is_gone_is_not_accepted_until_somebody_says_so(operator: User) -> None:
    roster = taken(operator, CHANGED)
    accepted = set(roster.lines.filter(accepted=True).values_list("code", flat=True))
    assert accepted == {"A2", "A5"}
    assert [(each.outcome, each.accepted) for each in tallies(roster)] == [
        ("new", 1), ("changed", 1), ("gone", 0), ("unchanged", 0), ("bad", 0),
    ]  # fmt: skip


def test_applying_changes_adds_ends_and_invites(
    operator: User, django_capture_on_commit_callbacks: Any
) -> None:
    roster = taken(operator, CHANGED)
    roster = choose_all(roster=roster, outcome="gone", accept=True, version=1, actor=operator)
    with django_capture_on_commit_callbacks(execute=True):
        applied = apply_roster(roster=roster, version=2, actor=operator)
    assert applied.state == "applied" and applied.ended_by == operator
    assert Institution.objects.get(code="A2").phone == "03-22"
    gone = Institution.objects.get(code="A4")
    assert (gone.name, gone.valid_until) == ("丁商工会", dt.date(2026, 11, 30))
    chief = Member.objects.get(institution__code="A5").user
    assert (chief.username, chief.role, chief.email) == ("a5", Role.INSTITUTION_CHIEF, "gono@example.jp")
    assert not chief.has_usable_password() and chief.get_full_name() == "戊野 五郎"
    assert SignInEvent.objects.filter(user=chief, kind=SignInEvent.Kind.LINK_MADE).exists()
    assert line_of(roster, "A5").institution == Institution.objects.get(code="A5")


def test_each_applied_line_stands_in_the_history(operator: User) -> None:
    apply_roster(roster=taken(operator, CHANGED), version=1, actor=operator)
    rows = Change.objects.filter(table="institutions_institution", action="apply_roster")
    assert all("名簿.csv" in row.reason for row in rows)
    assert {(row.operation, row.actor_name) for row in rows} == {
        ("I", operator.get_full_name()), ("U", operator.get_full_name()),
    }  # fmt: skip


def test_only_the_accepted_lines_are_applied(operator: User) -> None:
    roster = taken(operator, CHANGED)
    lines = list(roster.lines.values_list("pk", flat=True))
    roster = choose_lines(
        roster=roster, shown=lines, accepted=[line_of(roster, "A2").pk], version=1, actor=operator
    )
    apply_roster(roster=roster, version=2, actor=operator)
    assert not Institution.objects.filter(code="A5").exists()
    assert Institution.objects.get(code="A2").phone == "03-22"
    assert Institution.objects.get(code="A4").valid_until is None


def test_bad_unchanged_and_foreign_lines_are_never_accepted(operator: User) -> None:
    other = taken(operator, CHANGED, key="other")
    roster = taken(operator, CHANGED.replace("A5,戊中央会,中央会", "A5,戊中央会,中央化"))
    everything = [*roster.lines.values_list("pk", flat=True), *other.lines.values_list("pk", flat=True)]
    choose_lines(roster=roster, shown=everything, accepted=everything, version=1, actor=operator)
    assert set(roster.lines.filter(accepted=True).values_list("code", flat=True)) == {"A2", "A4"}
    assert not line_of(other, "A4").accepted


def test_a_bad_line_says_line_column_value_and_reason(operator: User) -> None:
    text = f"{HEAD}\nA1,甲商工会,商会,99,03-1,P1,見本PF,\nB1,,商工会,13,,,,\nA2,a,商工会,13\n"
    roster = taken(operator, text, kind="notice")
    first, second, third = roster.lines.order_by("line")
    assert first.line == 2
    assert [(fault["column"], fault["value"]) for fault in first.faults] == [
        ("機関区分", "商会"), ("都道府県コード", "99"), ("地域PF役割", ""),
    ]  # fmt: skip
    assert all(fault["reason"] for fault in first.faults)
    assert second.faults[0]["column"] == "機関名"
    assert third.faults[0]["reason"].startswith("列の数が見出しと合いません")


def test_the_same_code_twice_spoils_both_lines(operator: User) -> None:
    text = f"{HEAD}\nA1,甲,商工会,13,,,,\nA1,乙,商工会,13,,,,\n"
    roster = taken(operator, text, kind="notice")
    assert {line.outcome for line in roster.lines.all()} == {"bad"}
    assert "3行目" in roster.lines.get(line=2).faults[0]["reason"]


def test_nobody_is_called_gone_when_a_code_cannot_be_read(operator: User) -> None:
    text = CHANGED + ",名無し,商工会,13,,P1,見本PF,構成,,\n"
    assert "gone" not in outcomes(taken(operator, text)).values()


def test_an_absence_means_only_the_platforms_of_the_file(operator: User) -> None:
    other = f"{HEAD}\nB1,己商工会,商工会,14,,P2,別PF,代表\n"
    assert outcomes(taken(operator, other)) == {"B1": "new"}
    nation = taken(operator, other, kind="nation", key="nation")
    assert {code for code, outcome in outcomes(nation).items() if outcome == "gone"} == {
        "A1",
        "A2",
        "A3",
        "A4",
    }


def test_a_notice_names_what_is_new_changed_and_ended(operator: User) -> None:
    text = (
        "変更区分,機関コード,機関名,機関区分,都道府県コード\n"
        "変更,A2,乙会議所,,\n廃止,A4,,,\n新規,A1,甲,商工会,13\n変更,Z9,ない,商工会,13\n"
    )
    roster = taken(operator, text, kind="notice")
    # an empty cell empties, so a change must say what is required
    assert outcomes(roster) == {"A2": "bad", "A4": "gone", "A1": "bad", "Z9": "bad"}
    assert line_of(roster, "A1").faults[0]["column"] == "変更区分"
    only = taken(operator, "変更区分,機関コード,電話番号\n変更,A2,03-7\n", kind="notice", key="two")
    assert [change.column for change in changes_of(line_of(only, "A2"))] == ["電話番号"]


def test_an_ended_institution_comes_back_by_a_roster(operator: User) -> None:
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code="A4").update(valid_until=dt.date(2026, 3, 31))
    roster = taken(operator, STANDING, kind="nation")
    assert outcomes(roster)["A4"] == "changed"
    apply_roster(roster=roster, version=1, actor=operator)
    assert Institution.objects.get(code="A4").valid_until is None


def test_a_platform_that_would_become_unsound_blocks(operator: User) -> None:
    roster = choose_all(
        roster=taken(operator, CHANGED), outcome="gone", accept=True, version=1, actor=operator
    )
    roster = choose_all(roster=roster, outcome="new", accept=False, version=2, actor=operator)
    faults = {(fault.rule, fault.expected, fault.actual, fault.blocks) for fault in platform_faults(roster)}
    assert faults == {("支援機関の数", "4機関以上", "3機関", True)}
    with pytest.raises(DomainError, match="4機関以上、実際 3機関"):
        apply_roster(roster=roster, version=3, actor=operator)
    assert Institution.objects.get(code="A2").phone == "03-2"


def test_a_platform_without_or_with_two_representatives_blocks(operator: User) -> None:
    two = taken(operator, STANDING.replace("見本PF,構成", "見本PF,代表", 1), key="two")
    assert [(fault.rule, fault.actual) for fault in platform_faults(two)] == [
        ("代表機関", "2機関（甲商工会、乙商工会議所）")
    ]
    none = taken(operator, STANDING.replace("代表", "構成"), key="none")
    assert [(fault.rule, fault.actual) for fault in platform_faults(none)] == [("代表機関", "0機関")]


def test_what_was_unsound_before_only_warns(operator: User) -> None:
    small = f"{HEAD}\nB1,己商工会,商工会,14,,P2,別PF,代表\n"
    load_files({"institutions.csv": io.BytesIO(small.encode())}, actor=SYSTEM)
    roster = taken(operator, small.replace("14,,P2", "14,045-1,P2"))
    assert {fault.blocks for fault in platform_faults(roster)} == {False}
    assert apply_roster(roster=roster, version=1, actor=operator).state == "applied"


def test_what_somebody_changed_meanwhile_is_not_overwritten(operator: User) -> None:
    roster = taken(operator, CHANGED)
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code="A2").update(address="新しい所在地")
    with pytest.raises(DomainError, match="A2 乙商工会議所"):
        apply_roster(roster=roster, version=1, actor=operator)
    assert Institution.objects.get(code="A2").address == "新しい所在地"
    assert not Institution.objects.filter(code="A5").exists()


def test_a_code_that_was_registered_meanwhile_is_not_taken_over(operator: User) -> None:
    roster = taken(operator, CHANGED)
    load_files({"institutions.csv": io.BytesIO(f"{HEAD}\nA5,別,商工会,13,,,,\n".encode())}, actor=SYSTEM)
    with pytest.raises(DomainError, match="A5"):
        apply_roster(roster=roster, version=1, actor=operator)


def test_sent_twice_it_is_one_roster_and_applied_twice_it_is_applied_once(operator: User) -> None:
    roster = taken(operator, CHANGED)
    assert taken(operator, CHANGED) == roster
    apply_roster(roster=roster, version=1, actor=operator)
    assert apply_roster(roster=roster, version=1, actor=operator).state == "applied"
    assert User.objects.filter(role=Role.INSTITUTION_CHIEF).count() == 1


def test_an_old_page_neither_chooses_nor_applies(operator: User) -> None:
    roster = taken(operator, CHANGED)
    choose_all(roster=roster, outcome="new", accept=False, version=1, actor=operator)
    with pytest.raises(DomainError, match="別の画面"):
        apply_roster(roster=roster, version=1, actor=operator)
    drop_roster(roster=roster, version=2, actor=operator)
    with pytest.raises(DomainError, match="取り下げ"):
        apply_roster(roster=roster, version=2, actor=operator)


def test_only_the_desk_handles_rosters(operator: User) -> None:
    roster = taken(operator, CHANGED)
    for role in Role.values:
        if role in (Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER):
            continue
        stranger = person(f"x-{role}", role)
        assert not rosters_of(stranger).exists()
        with pytest.raises(NotAllowed):
            taken(stranger, CHANGED, key=role)
        with pytest.raises(NotAllowed):
            apply_roster(roster=roster, version=1, actor=stranger)


def test_a_member_that_may_dispatch_only_now_gets_its_chief_too(operator: User) -> None:
    text = f"{HEAD},責任者メールアドレス\nA3,丙銀行,認定金融機関,13,03-3,P1,見本PF,構成,c@example.jp\n"
    apply_roster(roster=taken(operator, text, kind="notice"), version=1, actor=operator)
    assert Member.objects.get(institution__code="A3").user.email == "c@example.jp"


def test_an_address_that_is_none_refuses_all_and_names_the_line(operator: User) -> None:
    text = "機関コード,機関名,機関区分,都道府県コード,メールアドレス\nN1,甲,商工会,13,アドレスなし\nN2,乙,商工会,13,\n"
    roster = taken(operator, text, kind="notice")
    with pytest.raises(DomainError, match="2行目（N1 甲）"):
        apply_roster(roster=roster, version=1, actor=operator)
    assert not Institution.objects.filter(code__startswith="N").exists()


def test_somebody_elses_key_is_no_key(operator: User) -> None:
    taken(operator, CHANGED)
    with pytest.raises(DomainError, match="もう一度読み込んで"):
        taken(person("suzuki", Role.OFFICE_APPROVER), CHANGED)


def test_a_taken_user_name_gets_a_number(operator: User) -> None:
    person("A5", Role.EXPERT)
    apply_roster(roster=taken(operator, CHANGED), version=1, actor=operator)
    assert Member.objects.get(institution__code="A5").user.username == "a5-2"


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("", "a.csv", "見出し行"),
        (HEAD + "\n", "a.csv", "行がありません"),
        ("機関名\n甲\n", "a.csv", "機関コード"),
        (f"{HEAD},備考\nA1,,,,,,,,\n", "a.csv", "備考"),
        (f"{HEAD},機関名\nA1,,,,,,,,\n", "a.csv", "二つ"),
        ("x", "a.xlsx", "XLSX"),
        ("x", "a.pdf", "CSV または XLSX"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_whole(operator: User, text: str, name: str, says: str) -> None:
    with pytest.raises(DomainError, match=says):
        take_roster(
            file=io.BytesIO(text.encode()),
            name=name,
            kind="notice",
            effective_on=DAY,
            key="x",
            actor=operator,
        )
    assert not Roster.objects.exists()


def test_a_workbook_and_a_shift_jis_file_are_read_alike(operator: User) -> None:
    book, file = Workbook(), io.BytesIO()
    for row in CHANGED.strip().split("\n"):
        book.active.append(row.split(","))  # type: ignore[union-attr]
    book.save(file)
    first = take_roster(
        file=file, name="名簿.xlsx", kind="platforms", effective_on=DAY, key="x", actor=operator
    )
    second = take_roster(
        file=io.BytesIO(CHANGED.encode("cp932")),
        name="名簿.CSV",
        kind="platforms",
        effective_on=DAY,
        key="s",
        actor=operator,
    )
    assert outcomes(first) == outcomes(second) == outcomes(taken(operator, CHANGED))


def test_the_completion_report_tells_of_every_line(operator: User) -> None:
    text = CHANGED.replace("戊中央会", "=1+1") + "B1,乙,商会,13,,,,,,\n"
    roster = taken(operator, text)
    with pytest.raises(DomainError, match="反映した後"):
        report_pdf(roster)
    roster = apply_roster(roster=roster, version=1, actor=operator)
    rows = {row[1]: row for row in report_lines(roster)}
    assert rows["A2"][4:] == ("変更した", "電話番号: 03-2 → 03-22")
    assert rows["A5"][4] == "登録した" and rows["A1"][4] == "変更なし"
    assert rows["A4"][4] == "反映しなかった" and rows["B1"][4] == "反映しなかった（誤り）"
    book = load_workbook(io.BytesIO(report_xlsx(roster)))
    cells = list(book["各行の処理"].iter_rows(values_only=True))
    assert len(cells) == 7 and cells[0][0] == "行"
    assert all(cell.data_type != "f" for row in book["各行の処理"].iter_rows() for cell in row)
    assert report_pdf(roster) == report_pdf(Roster.objects.get(pk=roster.pk))
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(report_pdf(roster))).pages)
    assert "03-22" in words and "完了報告" in words


def test_the_exchange_file_does_not_know_of_the_end(operator: User, tmp_path: Any) -> None:
    export_folder(tmp_path / "before")
    with acting(SYSTEM, "stage"):
        Institution.objects.filter(code="A4").update(valid_until=DAY)
    export_folder(tmp_path / "after")
    for folder in ("before", "after"):
        head = (tmp_path / folder / "institutions.csv").read_text("utf-8-sig").splitlines()[0]
        assert head.endswith("地域PFコード,地域PF名,地域PF役割")
    loaded = load_files({"institutions.csv": io.BytesIO(STANDING.encode())}, actor=SYSTEM)
    assert loaded.ok and not loaded.changed
    assert Institution.objects.get(code="A4").valid_until == DAY


def test_many_lines_are_applied_by_one_job_that_says_how_far_it_is(stage: Stage) -> None:
    lines = "".join(f"J{n},機関{n},商工会,13,j{n}@example.jp\n" for n in range(301))
    head = "機関コード,機関名,機関区分,都道府県コード,責任者メールアドレス\n"
    roster = take_roster(
        file=io.BytesIO((head + lines).encode()),
        name="大きな名簿.csv",
        kind="notice",
        effective_on=clock.today(),
        key="large",
        actor=stage.operator,
    )
    job = request_apply(roster=roster, version=1, actor=stage.operator)
    assert job is not None and Roster.objects.get(pk=roster.pk).state == Roster.State.DRAFT
    assert request_apply(roster=roster, version=1, actor=stage.operator) == job
    said: list[tuple[int, int]] = []

    class Listener(Progress):
        def report(self, done: int, total: int, message: str = "") -> None:
            said.append((done, total))

    assert KINDS[job.kind].run(job.arguments, Listener()) == {"反映した行": 301}
    assert said[0] == (0, 301) and said[-1] == (300, 301)
    assert Member.objects.filter(institution__code__startswith="J").count() == 301
    assert request_apply(roster=roster, version=1, actor=stage.operator) is None


def test_a_cancelled_job_leaves_the_register_and_the_draft(stage: Stage) -> None:
    roster = take_roster(
        file=io.BytesIO(
            "機関コード,機関名,機関区分,都道府県コード,責任者メールアドレス\nJ1,機,商工会,13,j@example.jp\n".encode()
        ),
        name="名簿.csv",
        kind="notice",
        effective_on=clock.today(),
        key="cancelled",
        actor=stage.operator,
    )

    class Cancelled(Progress):
        def report(self, done: int, total: int, message: str = "") -> None:
            if "責任者" in message:
                raise JobCancelled

    with pytest.raises(JobCancelled):
        apply_roster(roster=roster, version=1, actor=stage.operator, progress=Cancelled())
    assert not Institution.objects.filter(code="J1").exists()
    assert Roster.objects.get(pk=roster.pk).state == Roster.State.DRAFT
