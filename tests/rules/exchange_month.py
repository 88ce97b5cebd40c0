"""A month in plain Python: exchange files in, run out. Only for tests of the rules."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from zengin_code import Bank

from core.japan.calendar import withholding_due
from rules import codes
from rules.dates import fiscal_year
from rules.facts import (
    Declaration,
    Earlier,
    Event,
    PaidVisit,
    Payee,
    TravelLine,
    Visit,
    claimed_km,
    support_minutes,
)
from rules.findings import Finding
from rules.month import ExpertMonth, calculate_expert
from rules.payment import Totals
from rules.ruleset import RuleSet, builtin, load_builtin
from rules.withholding import slip_name
from rules.zengin.file import file_bytes
from rules.zengin.name import informational_name
from rules.zengin.record import ACCOUNT_KIND_CODES, BANK_NAME_BYTES, Sender, Transfer, sender_account_code

Row = dict[str, str]
R3 = load_builtin("R3")
_R3_DAYS = builtin("R3")


def rules_for_day(day: date) -> RuleSet | None:
    return R3 if _R3_DAYS.first_day <= day < _R3_DAYS.end_day else None


def read_rows(path: Path) -> list[Row]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932")
    return [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))]


@dataclass
class Office:
    """All registers, and what runs so far paid."""

    payer: Row = field(default_factory=dict)
    institutions: dict[str, Row] = field(default_factory=dict)
    experts: dict[str, Row] = field(default_factory=dict)
    dispatches: dict[str, Row] = field(default_factory=dict)
    events: dict[str, Row] = field(default_factory=dict)
    declarations: dict[tuple[str, str], Row] = field(default_factory=dict)
    claims: dict[str, list[Row]] = field(default_factory=dict)
    paid: dict[str, ExpertMonth] = field(default_factory=dict)

    def load(self, folder: Path) -> None:
        """Loads whichever files are there, as exchange.md §2 says."""
        for name, register, key in (
            ("institutions.csv", self.institutions, "機関コード"),
            ("experts.csv", self.experts, "専門家コード"),
            ("dispatches.csv", self.dispatches, "派遣番号"),
            ("check_events.csv", self.events, "イベントID"),
        ):
            if (folder / name).exists():
                register.update((row[key], row) for row in read_rows(folder / name))
        if (folder / "payer.csv").exists():
            (self.payer,) = read_rows(folder / "payer.csv")
        if (folder / "declarations.csv").exists():
            for row in read_rows(folder / "declarations.csv"):
                self.declarations[row["派遣番号"], row["事由"]] = row
        if (folder / "travel_claims.csv").exists():
            replaced: dict[str, list[Row]] = defaultdict(list)
            for row in read_rows(folder / "travel_claims.csv"):
                replaced[row["派遣番号"]].append(row)
            self.claims.update(replaced)

    def close(self, cutoff: datetime) -> Run:
        """One run over everybody; what it pays is remembered."""
        visits = self._visits()
        paid_numbers = {number for month in self.paid.values() for number in month.payable}
        months: dict[str, ExpertMonth] = {}
        for code in sorted(self.experts):
            open_visits = [
                visit
                for visit in visits.values()
                if self.dispatches[visit.number]["専門家コード"] == code
                and visit.number not in paid_numbers
                and visit.start < cutoff
            ]
            earlier = self._earlier(code, visits)
            months[code] = calculate_expert(
                self._payee(code), open_visits, earlier, cutoff, rules_for_day, R3
            )
        for code, month in months.items():
            self.paid[f"{code}/{cutoff}/{len(self.paid)}"] = month
        return Run(self, months)

    def _earlier(self, code: str, visits: dict[str, Visit]) -> Earlier:
        fee_by_day: dict[date, int] = defaultdict(int)
        per_diem_days: set[date] = set()
        paid: list[PaidVisit] = []
        for month in self.paid.values():
            if month.payee_code != code:
                continue
            for line in month.lines:
                if line.item == codes.ITEM_FEE:
                    fee_by_day[line.day] += line.amount
                elif line.item == codes.ITEM_PER_DIEM:
                    per_diem_days.add(line.day)
            for number in month.payable:
                visit = visits[number]
                paid.append(
                    PaidVisit(
                        number,
                        visit.start.date(),
                        visit.start,
                        support_minutes(visit),
                        visit.itinerary,
                        claimed_km(visit),
                    )
                )
        return Earlier(fee_by_day, per_diem_days, tuple(paid))

    def _payee(self, code: str) -> Payee:
        row = self.experts[code]
        bank = Bank.all.get(row["銀行コード"])
        return Payee(
            code=code,
            name=row["氏名"],
            payee_class=row["源泉区分"],
            subsidised_labour=row["人件費補助"] == "有",
            affiliated_codes=frozenset(filter(None, row["所属機関コード"].split(";"))),
            bank_known=bank is not None,
            branch_known=bank is not None and row["支店コード"] in bank.branches,
            bank_code=row["銀行コード"],
            branch_code=row["支店コード"],
            account_name_kana=row["口座名義カナ"],
        )

    def _visits(self) -> dict[str, Visit]:
        rows = [row for row in self.dispatches.values() if row["実施開始"] and not row["状態"]]
        ordinals: dict[str, int] = {}
        counts: dict[tuple[str, int], int] = defaultdict(int)
        for row in sorted(rows, key=lambda row: (_time(row["実施開始"]), row["派遣番号"])):
            key = row["企業コード"], fiscal_year(_moment(row["実施開始"]).date())
            counts[key] += 1
            ordinals[row["派遣番号"]] = counts[key]
        events: dict[str, list[Row]] = defaultdict(list)
        for event in self.events.values():
            events[event["派遣番号"]].append(event)
        declared: dict[str, list[Row]] = defaultdict(list)
        for (number, _), declaration in self.declarations.items():
            declared[number].append(declaration)
        return {
            row["派遣番号"]: self._visit(
                row, ordinals[row["派遣番号"]], rows, events[row["派遣番号"]], declared[row["派遣番号"]]
            )
            for row in rows
        }

    def _visit(
        self, row: Row, ordinal: int, rows: list[Row], events: list[Row], declared: list[Row]
    ) -> Visit:
        start, end = _moment(row["実施開始"]), _moment(row["実施終了"])
        overlaps = tuple(
            other["派遣番号"]
            for other in rows
            if other["専門家コード"] == row["専門家コード"]
            and other["派遣番号"] != row["派遣番号"]
            and _moment(other["実施開始"]) < end
            and _moment(other["実施終了"]) > start
        )
        return Visit(
            number=row["派遣番号"],
            institution_kind=self.institutions[row["機関コード"]]["機関区分"],
            institution_code=row["機関コード"],
            company_code=row["企業コード"],
            topic=row["経営課題"],
            method=row["実施方式"],
            web_approved=row["WEB事前承認"] == "有",
            lat=_number(row["緯度"]),
            lon=_number(row["経度"]),
            start=start,
            end=end,
            break_minutes=int(row["休憩分"] or 0),
            accompanied=row["同行"] == "有",
            accompanied_from=_time(row["同行開始"]),
            accompanied_to=_time(row["同行終了"]),
            no_accompaniment_reason=row["同行無の理由"],
            requested_by_expert=row["専門家からの要請"] == "有",
            paid_by_institution=row["機関からの給与謝金"] == "有",
            limit_exception=row["上限例外承認"] == "有",
            report_at=_time(row["報告日時"]),
            attested_at=_time(row["従事証明日時"]),
            approved_at=_time(row["機関承認日時"]),
            itinerary=row["行程番号"],
            office_decision=row["事務局判断"],
            office_reason=row["事務局判断理由"],
            events=tuple(_event(event) for event in events),
            declarations=tuple(
                Declaration(line["事由"], _time(line["申告開始"]), _time(line["申告終了"]), line["理由"])
                for line in declared
            ),
            travel_lines=tuple(_travel_line(line) for line in self.claims.get(row["派遣番号"], [])),
            client_ordinal=ordinal,
            overlaps=overlaps,
        )


@dataclass
class Run:
    office: Office
    months: dict[str, ExpertMonth]

    def payout_lines(self) -> list[list[str]]:
        return [
            [code, line.number, line.item, str(line.amount)]
            for code, month in self.months.items()
            for line in month.lines
        ]

    def payouts(self) -> list[list[str]]:
        rows = []
        for code, month in self.months.items():
            if month.totals:
                total = month.totals
                amounts = (
                    total.count,
                    total.fee,
                    total.travel,
                    total.gross,
                    total.withholding,
                    total.net,
                    total.consumption_tax,
                )
                rows.append([code, self.office.experts[code]["氏名"], *map(str, amounts)])
        return rows

    def holds(self) -> list[tuple[str, Finding]]:
        return sorted(
            (entry for month in self.months.values() for entry in month.holds),
            key=lambda entry: (entry[0], entry[1].kind, entry[1].code),
        )

    def withholding(self, pay_date: date) -> list[list[str]]:
        """The rows of withholding.csv: slip, class, people, paid, tax, due."""
        by_class: dict[str, list[Totals]] = defaultdict(list)
        for code, month in self.months.items():
            if month.totals:
                by_class[self.office.experts[code]["源泉区分"]].append(month.totals)
        rows = []
        for payee_class in sorted(by_class):
            slip, of_class = slip_name(payee_class, R3), by_class[payee_class]
            gross = sum(total.gross for total in of_class)
            tax = sum(total.withholding for total in of_class)
            due = str(withholding_due(pay_date)) if slip else ""
            rows.append([slip, payee_class, str(len(of_class)), str(gross), str(tax), due])
        return rows

    def bank_file(self, pay_date: date) -> bytes:
        payer = self.office.payer
        bank, branch = _bank_names(payer["銀行コード"], payer["支店コード"])
        sender = Sender(
            payer["委託者コード"],
            payer["委託者名カナ"],
            pay_date.strftime("%m%d"),
            payer["銀行コード"],
            bank,
            payer["支店コード"],
            branch,
            sender_account_code(payer["預金種目"]),
            payer["口座番号"],
        )
        transfers = []
        for code, month in self.months.items():
            if month.totals and month.totals.net:
                expert = self.office.experts[code]
                bank, branch = _bank_names(expert["銀行コード"], expert["支店コード"])
                transfers.append(
                    Transfer(
                        expert["銀行コード"],
                        bank,
                        expert["支店コード"],
                        branch,
                        ACCOUNT_KIND_CODES[expert["預金種目"]],
                        unicodedata.normalize("NFKC", expert["口座番号"]),
                        expert["口座名義カナ"],
                        month.totals.net,
                    )
                )
        return file_bytes(sender, transfers)


def _bank_names(bank_code: str, branch_code: str) -> tuple[str, str]:
    bank = Bank.all[bank_code]
    return (
        informational_name(bank.kana, BANK_NAME_BYTES),
        informational_name(bank.branches[branch_code].kana, BANK_NAME_BYTES),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("/", "-"))


def _time(text: str) -> datetime | None:
    return _moment(text) if text else None


def _number(text: str) -> float | None:
    return float(text) if text else None


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _event(row: Row) -> Event:
    return Event(
        row["イベントID"],
        row["種別"],
        _moment(row["端末時刻"]),
        _number(row["緯度"]),
        _number(row["経度"]),
        _number(row["精度m"]),
        row["署名者氏名"],
    )


def _travel_line(row: Row) -> TravelLine:
    return TravelLine(
        line_no=int(row["行番号"]),
        day=_moment(row["利用日"]).date(),
        kind=row["種別"],
        origin=row["出発地"],
        destination=row["到着地"],
        km=_decimal(row["距離km"]),
        fare=_whole(row["運賃"]),
        express=_whole(row["特急料金"]),
        reserved=_whole(row["指定席料金"]),
        roundtrip_fare=_whole(row["往復割引運賃"]),
        ordinary_fare=_whole(row["通常運賃"]),
        claimed=int(row["請求額"]),
        receipt=row["領収書"] == "有",
        stub=row["半券"] == "有",
        seat=row["座席"],
        no_public_transport=row["公共交通機関なし"] == "有",
        fast_boat=row["高速船"] == "有",
        parallel_route=row["並行航路"] == "有",
        lodging_kind=row["宿泊種別"],
        accepted_km=_decimal(row["認定距離km"]),
        accepted_yen=_whole(row["認定額"]),
        reason=row["必要理由"],
    )
