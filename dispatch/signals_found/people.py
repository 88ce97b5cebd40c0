"""What names and contacts tell: one signer at many clients, the expert as signer, the client that is the expert."""

import hashlib
from collections.abc import Iterator

from .registry import Found, Window, clipped, rows, signal
from .visits import NAMED, TOOK_PLACE

# A name as it is compared: width, case and blanks don't matter.
_PLAIN = "regexp_replace(upper(normalize({name}, NFKC)), '[[:space:]]', '', 'g')"
_DIGITS = "regexp_replace(normalize({text}, NFKC), '[^0-9]', '', 'g')"
# Shorter names are family names, which many people share.
_FULL_NAME = 3

_SIGNED = f"""
WITH signed AS (
    SELECT DISTINCT ON (d.id) d.id, d.expert_id, d.company_id, d.number, {_PLAIN.format(name="c.signer_name")} AS signer
      FROM dispatch_checkevent c JOIN dispatch_dispatch d ON d.id = c.dispatch_id
     WHERE {TOOK_PLACE} AND c.kind = '終了' AND c.signer_name <> '' AND d.method = '対面'
     ORDER BY d.id, c.device_time DESC, c.event_id DESC
)
"""

_SIGNERS = f"""
{_SIGNED}
SELECT expert_id, signer, count(*) AS times, count(DISTINCT company_id) AS clients,
       (array_agg(id ORDER BY id DESC))[1:{NAMED}] AS dispatches
  FROM signed WHERE length(signer) >= {_FULL_NAME}
 GROUP BY expert_id, signer HAVING count(DISTINCT company_id) >= %(signer_clients)s
"""


@signal(
    "same_signer",
    "同じ署名者名が多くの支援先に",
    "一人の専門家の終了の記録に、同じ署名者名が別々の支援先で現れています。",
)
def one_signer_of_many_clients(window: Window) -> Iterator[Found]:
    """The same full name signs for several clients of one expert. The name itself isn't kept."""
    for row in rows(_SIGNERS, window):
        mark = hashlib.sha256(row["signer"].encode()).hexdigest()[:16]
        yield Found(
            key=f"E{row['expert_id']}|{mark}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            score=clipped(30 + 8 * row["clients"]),
            facts={"署名": row["times"], "支援先": row["clients"]},
        )


_OWN_NAME = f"""
{_SIGNED}
SELECT s.expert_id, count(*) AS times, (array_agg(s.id ORDER BY s.id DESC))[1:{NAMED}] AS dispatches
  FROM signed s JOIN experts_expert x ON x.id = s.expert_id
 WHERE s.signer IN ({_PLAIN.format(name="x.name")}, {_PLAIN.format(name="x.kana")}) GROUP BY 1
"""


@signal("expert_signed", "署名者が専門家本人", "支援先の署名者名が、支援を行った専門家の氏名と同じです。")
def signed_by_the_expert(window: Window) -> Iterator[Found]:
    """The signer's name is the expert's own."""
    for row in rows(_OWN_NAME, window):
        yield Found(
            key=f"E{row['expert_id']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            score=clipped(70 + 5 * row["times"]),
            facts={"署名": row["times"]},
        )


_SAME = f"""
WITH pairs AS (
    SELECT d.expert_id, d.company_id, count(*) AS times, (array_agg(d.id ORDER BY d.id DESC))[1:{NAMED}] AS dispatches
      FROM dispatch_dispatch d WHERE {TOOK_PLACE} GROUP BY 1, 2
), compared AS (
    SELECT p.*,
           length({_DIGITS.format(text="c.phone")}) >= 9
               AND {_DIGITS.format(text="c.phone")} = {_DIGITS.format(text="x.phone")} AS phone,
           c.email <> '' AND lower(c.email) = lower(x.email) AS email,
           length({_PLAIN.format(name="c.address")}) >= 6
               AND {_PLAIN.format(name="c.address")} = {_PLAIN.format(name="x.address")} AS address,
           length({_PLAIN.format(name="x.name")}) >= {_FULL_NAME}
               AND strpos({_PLAIN.format(name="c.name")}, {_PLAIN.format(name="x.name")}) > 0 AS name
      FROM pairs p JOIN dispatch_company c ON c.id = p.company_id JOIN experts_expert x ON x.id = p.expert_id
)
SELECT * FROM compared WHERE phone OR email OR address OR name
"""


@signal(
    "client_is_expert",
    "支援先と専門家の登録が同じ",
    "支援先の名称・電話番号・メールアドレス・住所のどれかが、専門家のものと同じです。",
)
def clients_that_are_their_experts(window: Window) -> Iterator[Found]:
    """A client with the name, phone, mail or address of its expert."""
    labels = {"name": "名称", "phone": "電話番号", "email": "メールアドレス", "address": "住所"}
    for row in rows(_SAME, window):
        same = [label for name, label in labels.items() if row[name]]
        yield Found(
            key=f"E{row['expert_id']}|C{row['company_id']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            company=row["company_id"],
            score=clipped(45 + 15 * len(same)),
            facts={"同じもの": same, "派遣": row["times"]},
        )
