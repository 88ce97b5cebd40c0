"""The client's link: shown without changing anything, used once, dead when the visit's facts change."""

import re
from typing import Any

import pytest
from stage import Stage, at

from core.errors import DomainError, NotAllowed
from core.notify.models import Mail
from core.notify.services import waiting_for
from dispatch.models import Attestation, AttestationLink, Dispatch
from dispatch.services import (
    Accompaniment,
    FieldErrors,
    LinkUnusable,
    approve_dispatch,
    attest,
    finish_visit,
    issue_attestation_link,
    link_of,
)


def mailed_token() -> str:
    """The token in the last mail to the client."""
    mail = Mail.objects.filter(template="attestation").latest("pk")
    found = re.search(r"/c/([^/\s]+)/", mail.body)
    assert found
    return found[1]


def test_the_mailed_link_opens_the_visit_and_confirms_it_once(stage: Stage) -> None:
    dispatch = stage.visited()
    token = mailed_token()
    link = link_of(token)
    assert link is not None
    assert link.dispatch == dispatch
    assert link_of(token) is not None  # looking changes nothing
    stage.travel(at("07-12 15:20"))
    attest(token=token, confirmed=True, name="試験 社長")
    assert Dispatch.objects.get().attested_at == at("07-12 15:20")
    assert link_of(token) is None
    with pytest.raises(LinkUnusable):
        attest(token=token, confirmed=False, name="試験 社長", comment="違う")
    assert Attestation.objects.count() == 1


def test_neither_the_database_nor_the_history_holds_the_token(stage: Stage) -> None:
    from core.audit.models import Change

    stage.visited()
    token = mailed_token()
    assert AttestationLink.objects.get().token_hash != token
    assert not Change.objects.filter(table="dispatch_attestationlink", new__has_key="token_hash").exists()
    assert not Mail.objects.get(template="attestation").keeps_body


@pytest.mark.parametrize("spoil", ["wrong", "expired", "replaced"])
def test_unusable_links_all_answer_the_same(stage: Stage, spoil: str) -> None:
    dispatch = stage.visited()
    token = mailed_token()
    if spoil == "wrong":
        token = "x" * len(token)
    elif spoil == "expired":
        stage.travel(at("08-20 09:00"))
    else:
        finish_visit(
            dispatch=dispatch,
            visited_from=at("07-12 10:00"),
            visited_to=at("07-12 11:30"),
            actor=stage.experts["E1"],
        )
        assert link_of(mailed_token()) is not None
    assert link_of(token) is None
    with pytest.raises(LinkUnusable) as refused:
        attest(token=token, confirmed=True, name="試験 社長")
    assert str(refused.value) == str(LinkUnusable())


def test_an_objection_needs_words_and_stops_the_approval(stage: Stage) -> None:
    dispatch = stage.reported()
    link = issue_attestation_link(dispatch=dispatch, channel="qr", actor=stage.experts["E1"])
    with pytest.raises(FieldErrors, match="どこが違うか"):
        attest(token=link.token, confirmed=False, name="試験 社長")
    with pytest.raises(FieldErrors, match="氏名"):
        attest(token=link.token, confirmed=True, name=" ")
    attest(token=link.token, confirmed=False, name="試験 社長", comment="来ていない")
    for user in (stage.chief, stage.operator):
        assert waiting_for(user)[-1].note == "来ていない"
    with pytest.raises(DomainError, match="相違あり"):
        approve_dispatch(
            dispatch=dispatch, accompaniment=Accompaniment(False, reason="遠方"), actor=stage.chief
        )
    assert stage.attested(dispatch).attested_at is not None


def test_a_client_without_an_address_is_reported_to_the_institution(stage: Stage) -> None:
    dispatch = stage.visited(stage.application(stage.case("C3")))
    assert "メールアドレスがない" in waiting_for(stage.chief)[-1].title
    with pytest.raises(DomainError, match="メールアドレス"):
        issue_attestation_link(dispatch=dispatch, channel="mail", actor=stage.chief)
    assert link_of(issue_attestation_link(dispatch=dispatch, channel="qr", actor=stage.chief).token)


def test_links_are_not_for_others(stage: Stage) -> None:
    dispatch = stage.visited()
    with pytest.raises(Dispatch.DoesNotExist):
        issue_attestation_link(dispatch=dispatch, channel="qr", actor=stage.experts["E2"])
    with pytest.raises(Dispatch.DoesNotExist):
        issue_attestation_link(dispatch=dispatch, channel="mail", actor=stage.other_chief)


def test_a_used_link_closes_the_others_of_the_dispatch(stage: Stage) -> None:
    dispatch = stage.visited()
    first = mailed_token()
    stage.attested(dispatch)
    assert link_of(first) is None


def test_whoever_has_no_right_is_told_so(stage: Stage, django_user_model: Any) -> None:
    dispatch = stage.visited()
    viewer = django_user_model.objects.create(username="kanri", role="office_admin")
    with pytest.raises(NotAllowed):
        issue_attestation_link(dispatch=dispatch, channel="qr", actor=viewer)
