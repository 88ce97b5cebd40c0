"""How long it takes to queue the mails of a renewal to 7,000 experts (spec A8).

    python -m benchmarks.renewal_mails [7000]

One rep: who is asked is noted, each mail is written, encrypted and queued with a link of its own, and the matter waits on
every expert's page; history as in production. Then the reminder to all of them, then closing with everybody silent. Prints
seconds; queueing should stay below 10 seconds.
"""

import datetime as dt
import io
import sys
import time

from benchmarks.scratch import prepare, scratch_database

EXPERTS = 7_000
_BATCH = 1_000


def measure(count: int) -> None:
    """Registers experts with accounts, asks them, reminds them, closes; prints the seconds of each."""
    from accounts.models import Role, User
    from core import clock
    from core.audit.acting import SYSTEM, acting
    from core.exchange.services import load_files
    from core.jobs.progress import Progress
    from core.notify.models import Mail
    from experts.models import Expert
    from experts.renewal import campaigns, closing, sending
    from experts.renewal.models import Campaign
    from experts.renewal.selectors import figures_by_prefecture, total_of
    from institutions.models import Institution
    from rules.dates import fiscal_year

    institution = "機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n"
    assert load_files({"institutions.csv": io.BytesIO(institution.encode())}, actor=SYSTEM).ok
    recommending = Institution.objects.get()
    with acting(SYSTEM, "benchmark"):
        maker = User.objects.create(username="bench", role=Role.OFFICE_OPERATOR)
        checker = User.objects.create(username="bench2", role=Role.OFFICE_APPROVER)
        people = User.objects.bulk_create(
            (User(username=f"e{number}", role=Role.EXPERT) for number in range(count)), batch_size=_BATCH
        )
        Expert.objects.bulk_create(
            (
                Expert(
                    code=f"E{number:06}",
                    user=user,
                    name=f"試験 {number}",
                    prefecture_code=f"{number % 47 + 1:02}",
                    address="試験町1",
                    email=f"e{number}@example.jp",
                    recommended_by=recommending,
                    requirement="資格",
                    payee_class="報酬2号",
                    account_number=f"{number:07}",
                    account_holder_kana="シケン",
                )
                for number, user in enumerate(people)
            ),
            batch_size=_BATCH,
        )
    campaign = campaigns.prepare_campaign(
        fiscal_year=fiscal_year(clock.today()),
        answer_by=clock.today() + dt.timedelta(days=20),
        remind_on=(),
        message="",
        actor=maker,
    )
    wave = sending.start_campaign(campaign=campaign, version=1, key="first", actor=maker)
    begun = time.perf_counter()
    sending.send_wave(wave=wave, actor=maker, progress=Progress())
    asked = time.perf_counter() - begun
    assert Mail.objects.count() == count
    wave = sending.remind(campaign=campaign, key="second", actor=maker)
    begun = time.perf_counter()
    sending.send_wave(wave=wave, actor=maker, progress=Progress())
    reminded = time.perf_counter() - begun
    with acting(SYSTEM, "benchmark"):
        Campaign.objects.update(answer_by=clock.today() - dt.timedelta(days=1))
    begun = time.perf_counter()
    mark = closing.preview(campaign).mark
    closing.close_campaign(campaign=campaign, mark=mark, actor=checker)
    closed = time.perf_counter() - begun
    begun = time.perf_counter()
    assert total_of(figures_by_prefecture(campaign)).asked == count
    figures = time.perf_counter() - begun
    print(f"renewal of {count:,} experts: {asked:.2f} s to queue the mails, {reminded:.2f} s the reminders,")
    print(f"  {closed:.2f} s to close with nobody having answered, {figures * 1000:.0f} ms for the figures")


if __name__ == "__main__":
    prepare()
    with scratch_database("renewal"):
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else EXPERTS)
