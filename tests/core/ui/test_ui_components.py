"""Components escape what people typed and tie words to controls."""

from types import SimpleNamespace

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import engines
from django.test import RequestFactory

from core.ui.icons import ICONS
from core.ui.tones import FINDING_LOOKS, STATUS_LOOKS
from dispatch.models import Status
from payments.models import PayoutRun

EVIL = '<script>alert("x")</script>'


class VisitForm(forms.Form):
    reason = forms.CharField(label="理由", help_text="事実を書いてください。")
    note = forms.CharField(label="備考", required=False)
    method = forms.ChoiceField(label="方式", choices=[("a", "対面"), ("b", "WEB")], widget=forms.RadioSelect)


def rendered(source: str, address: str = "/office/", **context: object) -> str:
    template = engines["django"].from_string(source)
    return str(template.render(context, RequestFactory().get(address)))


def test_every_status_of_the_models_has_a_look() -> None:
    assert set(Status.values) | set(PayoutRun.Status.values) <= set(STATUS_LOOKS)


def test_every_look_uses_an_icon_that_exists() -> None:
    assert {look.icon for look in [*STATUS_LOOKS.values(), *FINDING_LOOKS.values()]} <= set(ICONS)


def test_a_status_chip_says_the_models_word_and_hides_its_sign_from_readers() -> None:
    html = rendered("{% status_chip run %}", run=PayoutRun(status="computed"))
    assert "計算済" in html
    assert 'aria-hidden="true"' in html


def test_a_finding_chip_may_show_its_code_instead_of_its_class() -> None:
    assert "E05" in rendered('{% finding_chip "保留" "E05" %}')


@pytest.mark.parametrize("source", ["{% chip text %}", "{% finding_chip text %}", "{% status_chip text %}"])
def test_chips_escape_their_word(source: str) -> None:
    html = rendered(source, text=EVIL)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_field_ties_label_help_and_error_to_its_control() -> None:
    form = VisitForm({"reason": ""})
    html = rendered("{% field form.reason %}", form=form)
    assert '<label class="field__label" for="id_reason">' in html
    assert 'aria-describedby="id_reason_helptext id_reason_error"' in html
    assert 'id="id_reason_helptext"' in html
    assert 'id="id_reason_error"' in html
    assert 'aria-invalid="true"' in html


def test_a_field_says_whether_it_must_be_filled_in() -> None:
    assert "※必須" in rendered("{% field form.reason %}", form=VisitForm())
    assert "任意" in rendered("{% field form.note %}", form=VisitForm())


def test_radio_buttons_stand_in_a_named_group() -> None:
    html = rendered("{% field form.method %}", form=VisitForm())
    assert "<fieldset" in html
    assert "<legend" in html


def test_the_error_summary_links_to_each_field() -> None:
    html = rendered("{% error_summary form %}", form=VisitForm({"reason": ""}))
    assert 'href="#id_reason"' in html
    assert 'role="alert"' in html


class ChoicesForm(forms.Form):
    one = forms.ChoiceField(label="要件", choices=[("a", "甲"), ("b", "乙")], widget=forms.RadioSelect)
    several = forms.MultipleChoiceField(
        label="分野", choices=[("a", "甲"), ("b", "乙")], widget=forms.CheckboxSelectMultiple
    )


def test_of_a_group_of_choices_the_summary_links_to_the_first() -> None:
    html = rendered("{% error_summary form %}{{ form.one }}{{ form.several }}", form=ChoicesForm({}))
    for target in ("id_one_0", "id_several_0"):
        assert f'<a href="#{target}">' in html
        assert f'id="{target}"' in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert rendered("{% error_summary form %}", form=VisitForm()).strip() == ""


def test_a_typed_value_is_escaped_in_its_field() -> None:
    assert EVIL not in rendered("{% field form.reason %}", form=VisitForm({"reason": EVIL}))


def test_pagination_keeps_the_filters_and_marks_the_page() -> None:
    page = Paginator(range(282), 10).page(3)
    html = rendered("{% pagination page %}", "/office/?kind=hold&page=3", page=page)
    assert "282件中 21–30件" in html
    assert 'aria-current="page">3<' in html
    assert "?kind=hold&amp;page=4" in html


def test_an_empty_list_says_zero_and_has_no_links() -> None:
    html = rendered("{% pagination page %}", page=Paginator([], 10).page(1))
    assert "0件" in html
    assert "<nav" not in html


def test_a_sorted_column_says_so_and_turns_round() -> None:
    html = rendered('{% sort_header "fee" "謝金" True %}', "/office/?sort=fee&page=2")
    assert 'aria-sort="ascending"' in html
    assert 'href="?sort=-fee"' in html


def test_the_filter_shows_what_the_address_chose() -> None:
    html = rendered(
        '{% filter_select "kind" "区分" kinds %}', "/office/?kind=b", kinds=[("a", "甲"), ("b", "乙")]
    )
    assert '<option value="b" selected>乙</option>' in html


def test_a_search_word_is_escaped_in_its_field() -> None:
    html = rendered('{% filter_text "q" "検索" %}', "/office/?q=%22%3E%3Cscript%3E")
    assert "<script>" not in html


def test_steps_before_the_current_one_are_done() -> None:
    html = rendered('{% include "components/steps.html" with status="approved" %}')
    assert html.count("steps__item--done") == 2
    assert html.count('aria-current="step"') == 1


def test_a_closed_run_has_done_every_step() -> None:
    assert (
        rendered('{% include "components/steps.html" with status="closed" %}').count("steps__item--done") == 5
    )


def test_shares_add_up_to_the_whole_bar() -> None:
    html = rendered('{% share "説明" 3 1 0 0 %}')
    assert 'width="75.00%"' in html
    assert 'x="75.00%" width="25.00%"' in html
    assert 'aria-label="説明"' in html


def test_progress_is_a_real_progress_element_with_words() -> None:
    job = SimpleNamespace(
        status="running",
        get_status_display=lambda: "実行中",
        title="計算",
        total=282,
        done=134,
        percent=47,
        is_open=True,
        message="",
        error="",
    )
    html = rendered('{% include "components/job_progress.html" %}', job=job)
    assert '<progress max="282" value="134" aria-label="計算">' in html
    assert "134 / 282件（47％）" in html
