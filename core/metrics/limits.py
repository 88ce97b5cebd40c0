"""From where on a reading is worth a look or wrong, and what to do then. The page, the tasks and the alert rules of
Prometheus (deploy/monitoring/alerts.yml) all come from this one table."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MEGABYTE = 1024.0**2


class Level(IntEnum):
    """How a reading is judged; the worst of several is the largest."""

    GOOD = 0
    WARNING = 1
    BAD = 2

    @property
    def word(self) -> str:
        """As the page says it."""
        return ("正常", "注意", "異常")[self]


class Unit(StrEnum):
    """How a value is shown."""

    COUNT = "件"
    AGE = "時間"
    RATIO = "％"
    DAYS = "日"
    BYTES = "バイト"
    YES = "状態"

    @property
    def is_yes(self) -> bool:
        """Whether there are but two values, yes and no."""
        return self is Unit.YES


@dataclass(frozen=True)
class Limit:
    """What is judged of one reading. `warning` and `bad` are reached at the value itself; None: never.

    `below`: small values are the wrong ones. `when_absent`: how no reading at all is judged.
    `tells`: whether the administrators get a task; not where somebody else tells them of the same (core/backup/watching.py).
    `minutes`: how long Prometheus waits before it tells; the page and the tasks judge at once.
    """

    reading: str
    title: str
    unit: Unit
    warning: float | None
    bad: float | None
    meaning: str
    next_step: str
    below: bool = False
    when_absent: Level | None = None
    minutes: int = 5
    tells: bool = True

    def level_of(self, value: float) -> Level:
        """How a value is judged."""
        for level, limit in ((Level.BAD, self.bad), (Level.WARNING, self.warning)):
            if limit is not None and (value <= limit if self.below else value >= limit):
                return level
        return Level.GOOD


LIMITS: tuple[Limit, ...] = (
    Limit(
        "part_answers", "部品の応答", Unit.YES, None, 0, "データベース、Redis、ディスクなどの値を読めるか",
        "止まっている部品を動かし直してください（docs/operations/incident.md「止まった」）。", below=True, minutes=2,
    ),
    Limit(
        "migrations_applied", "データベースの構造", Unit.YES, None, 0, "この版のマイグレーションがすべて済んでいるか",
        "更新の途中でなければ、manage.py setup を実行してください（docs/operations/upgrade.md）。", below=True, minutes=15,
    ),
    Limit(
        "worker_silent_seconds", "合図（beat）と処理（worker）", Unit.AGE, 3 * MINUTE, 10 * MINUTE,
        "毎分の合図が処理されてからの時間", "beat と quick（worker）が動いているか確かめ、止まっていれば動かし直してください。",
        when_absent=Level.BAD, minutes=2,
    ),
    Limit(
        "jobs_waiting_oldest_seconds", "待っているジョブ", Unit.AGE, 10 * MINUTE, HOUR, "最も古いジョブの待ち時間（種類ごと）",
        "画面「ジョブ」で何が実行中かを見て、止まっていれば worker を動かし直し、多いだけなら worker を増やしてください。",
    ),
    Limit(
        "jobs_running_oldest_seconds", "実行中のジョブ", Unit.AGE, HOUR, 2 * HOUR, "終わっていない最も古いジョブの実行時間",
        "画面「ジョブ」で進み具合を見て、進んでいなければ worker を動かし直してください（続きから、または初めから行われます）。",
    ),
    Limit(
        "jobs_failed", "失敗したジョブ（24時間）", Unit.COUNT, 1, 20, "失敗したまま、もう一度実行していないもの",
        "画面「ジョブ」で理由を読み、直してから「もう一度実行する」を押してください。",
    ),
    Limit(
        "queue_length", "Redis の列の長さ", Unit.COUNT, 500, 5000, "処理を待つ合図の数（列ごと）",
        "その列の worker が動いているか確かめてください。Redis を空にしても、処理は1分以内にデータベースから始まります。",
    ),
    Limit(
        "mails_waiting_oldest_seconds", "送信待ちのメール", Unit.AGE, 15 * MINUTE, 2 * HOUR, "最も古い送信待ちの時間",
        "メールサーバー（MAIL_HOST）へつながるか、quick（worker）が動いているかを確かめてください。",
    ),
    Limit(
        "mails_failed", "送れなかったメール", Unit.COUNT, 1, 20, "送信できず・要確認で、まだ判断されていないもの",
        "画面「メール」で宛先と理由を見て、送り直すか、電話などで知らせてください。",
    ),
    Limit(
        "unsealed_oldest_seconds", "履歴の封印", Unit.AGE, 5 * MINUTE, 30 * MINUTE, "封印されていない最も古い記録の時間",
        "sealer が動いているか、長く終わらない処理がないかを確かめてください。",
    ),
    Limit(
        "backup_scheduled", "自動の控え", Unit.YES, 0, None, "控えを自動で取る設定（BACKUP_DIR）",
        "docs/operations/backup.md のとおり BACKUP_DIR を設定してください。", below=True,
    ),
    Limit(
        "backup_seen", "控えの見張り", Unit.YES, None, 0, "控えの状態が分かるか（毎分、backup が知らせる）",
        "backup（worker）が動いているか確かめ、止まっていれば動かし直してください。", below=True, minutes=10,
    ),
    Limit(
        "backup_age_seconds", "最後の控え", Unit.AGE, 25 * HOUR, 26 * HOUR, "最後の良い控えからの時間",
        "backup（worker）のログを読み、manage.py backup を実行してください（docs/operations/backup.md）。", tells=False,
    ),
    Limit(
        "backup_log_age_seconds", "控えに入っていない変更", Unit.AGE, 5 * MINUTE, 15 * MINUTE, "控えにまだ無い変更の時間",
        "控えの場所の空きと、PostgreSQL の archive_command を確かめてください。", tells=False,
    ),
    Limit(
        "backup_problems", "控えの異常", Unit.COUNT, None, 1, "壊れている、古い、一つも無い",
        "manage.py backup --status で内容を読み、manage.py backup --full を実行してください。", tells=False,
    ),
    Limit(
        "disk_used_ratio", "ディスクの使用率", Unit.RATIO, 0.70, 0.85, "書き込む場所のディスク",
        "不要なログと古い書き出しを消すか、ディスクを増やしてください（docs/operations/incident.md「ディスクが足りない」）。",
    ),
    Limit(
        "database_connections_ratio", "データベースの接続", Unit.RATIO, 0.70, 0.90, "使っている接続の割合",
        "web と worker の数を減らすか、max_connections を増やしてください（docs/operations/scale-out.md）。",
    ),
    Limit(
        "redis_memory_ratio", "Redis のメモリ", Unit.RATIO, 0.70, 0.90, "使っているメモリの割合",
        "列が長くなっていないか確かめ、maxmemory を増やしてください。",
    ),
    Limit(
        "database_clock_difference_seconds", "時計の差（データベース）", Unit.AGE, 1, 10, "この機械とデータベースの時計の差",
        "両方のサーバーで chronyc tracking を実行し、時刻合わせを直してください。",
    ),
    Limit(
        "redis_clock_difference_seconds", "時計の差（Redis）", Unit.AGE, 1, 10, "この機械と Redis の時計の差",
        "両方のサーバーで chronyc tracking を実行し、時刻合わせを直してください。",
    ),
    Limit(
        "standby_connected", "待機系のデータベース", Unit.YES, None, 0, "待機系がつながっているか（スロットごと）",
        "待機系を動かし直してください。使わなくなったのなら、スロットを消してください（docs/operations/scale-out.md）。", below=True,
    ),
    Limit(
        "standby_behind_bytes", "待機系の遅れ", Unit.BYTES, 64 * MEGABYTE, 1024 * MEGABYTE, "待機系がまだ受け取っていない変更の量",
        "待機系と、その間の通信を確かめてください。",
    ),
    Limit(
        "certificate_days", "サーバー証明書の残り", Unit.DAYS, 30, 21, "サーバー証明書の期限まで",
        "新しい証明書に替えてください（docs/operations/upgrade.md「証明書を替える」）。", below=True,
    ),
    Limit(
        "findings_oldest_days", "最も古い確認事項", Unit.DAYS, 60, None, "まだ片付いていない確認事項の日数（業務の滞り）",
        "事務局の担当に、画面「確認事項」の古いものから対応するよう伝えてください。",
    ),
)  # fmt: skip
BY_READING = {limit.reading: limit for limit in LIMITS}
