"""/api/v1/check-events/ (exchange.md §5)."""

from decimal import Decimal
from json import JSONDecodeError, loads
from typing import IO, Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, ParseError, PermissionDenied
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core.errors import NotAllowed
from portal_expert.authentication import TokenAuthentication
from portal_expert.models import CheckEventExtra
from portal_expert.receiving import MOST_EVENTS, Result, receive_check_events
from rules import codes

# below DATA_UPLOAD_MAX_MEMORY_SIZE, so that the refusal is ours
MOST_BYTES = 4 * 1024 * 1024


class TooMuch(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"一度に送れるのは{MOST_BYTES // 1024 // 1024}MBまでです。"


class ExactJSONParser(JSONParser):
    """JSON of a bounded size whose numbers keep their digits."""

    def parse(self, stream: IO[Any], media_type: Any = None, parser_context: Any = None) -> Any:
        """Raises ParseError for what is no JSON, TooMuch for more than MOST_BYTES."""
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooMuch
        try:
            return loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
        except JSONDecodeError as problem:
            raise ParseError(f"JSONとして読めません（{problem.lineno}行{problem.colno}文字目）。") from None
        except (ValueError, RecursionError):
            raise ParseError("JSONとして読めません。") from None


def _no_number(text: str) -> None:
    raise ValueError(text)


class SignatureSerializer(serializers.Serializer[Any]):
    strokes = serializers.ListField(
        child=serializers.ListField(child=serializers.ListField(child=serializers.FloatField())),
        help_text="線のリスト。線は [x, y] のリスト。500本、20,000点まで。",
    )
    width = serializers.FloatField(help_text="署名欄の幅")
    height = serializers.FloatField(help_text="署名欄の高さ")
    text = serializers.CharField(required=False, help_text="署名のときに画面に示した文章")


class CheckEventSerializer(serializers.Serializer[Any]):
    event_id = serializers.UUIDField(help_text="端末で作るUUID。同じ内容を何度送っても1件になる。")
    dispatch = serializers.CharField(max_length=64, help_text="派遣番号")
    kind = serializers.ChoiceField(choices=list(codes.EVENT_KINDS), help_text="種別")
    device_time = serializers.DateTimeField(help_text="端末時刻（時差付き）")
    latitude = serializers.FloatField(required=False, allow_null=True, min_value=-90, max_value=90)
    longitude = serializers.FloatField(required=False, allow_null=True, min_value=-180, max_value=180)
    accuracy = serializers.FloatField(required=False, allow_null=True, min_value=0, help_text="精度（m）")
    fix_age = serializers.FloatField(required=False, allow_null=True, help_text="測位からの秒数")
    permission = serializers.ChoiceField(
        choices=CheckEventExtra.Permission.values, required=False, help_text="位置情報の許可"
    )
    signer_name = serializers.CharField(required=False, max_length=200, help_text="署名者氏名（種別 終了）")
    signature = SignatureSerializer(required=False, allow_null=True)
    sent_time = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="送信の瞬間の端末時刻。時計のずれを知るためで、内容の同一性には含めない。",
    )

    class Meta:
        ref_name = "CheckEvent"


class AnswerSerializer(serializers.Serializer[Any]):
    event_id = serializers.CharField()
    status = serializers.ChoiceField(choices=[result.value for result in Result])
    reason = serializers.CharField(help_text="rejected のときの理由。ほかは空。")


class RefusalSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(help_text="何が、なぜ断られたか")


# What a request may be answered besides what it asked for.
REFUSALS = {
    400: OpenApiResponse(RefusalSerializer, "文字やJSONとして読めない、または形が違う"),
    401: OpenApiResponse(RefusalSerializer, "トークンがない、または使えない"),
    403: OpenApiResponse(RefusalSerializer, "チェックインを送れない人、または画面からの送信の印がない"),
    404: OpenApiResponse(RefusalSerializer, "知らない形式（format）"),
    406: OpenApiResponse(RefusalSerializer, "答えられない形式（Accept）"),
}


class CheckEventsView(APIView):
    """Check-ins and check-outs from phones."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    parser_classes = (ExactJSONParser,)

    @extend_schema(
        operation_id="send_check_events",
        summary="チェックイン・アウトを送る",
        description=(
            f"最大{MOST_EVENTS}件のリストを送ると、同じ順で1件ずつ答えます。一部が rejected でも、ほかは記録されます。"
            "順序は自由で、同じ event_id と内容の再送は duplicate になります。"
            "同じ event_id で内容が異なるもの、自分の派遣でない派遣番号は rejected です。"
        ),
        request=CheckEventSerializer(many=True),
        responses={
            200: AnswerSerializer(many=True),
            **REFUSALS,
            413: OpenApiResponse(RefusalSerializer, "一度に送る量が多すぎる"),
            415: OpenApiResponse(RefusalSerializer, "JSONでない本文"),
        },
        examples=[
            OpenApiExample(
                "終了と署名者",
                request_only=True,
                value=[
                    {
                        "event_id": "0b0f9a52-58a5-4a3f-8f3a-6c1c2e7c9b10",
                        "dispatch": "D2026-000123",
                        "kind": "終了",
                        "device_time": "2026-11-20T12:00:03+09:00",
                        "latitude": 35.681236,
                        "longitude": 139.767125,
                        "accuracy": 12.5,
                        "fix_age": 2,
                        "permission": "granted",
                        "signer_name": "見本 花子",
                    }
                ],
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Keeps the events and answers each of them."""
        assert isinstance(request.user, User)
        if not isinstance(request.data, list):
            raise ParseError("イベントのリストを送ってください。")
        if len(request.data) > MOST_EVENTS:
            raise ParseError(
                f"一度に送れるのは{MOST_EVENTS}件までです（{len(request.data):,}件）。分けて送ってください。"
            )
        try:
            answers = receive_check_events(actor=request.user, events=request.data)
        except NotAllowed as refusal:
            raise PermissionDenied(refusal.message) from None
        return Response(
            [
                {"event_id": answer.event_id, "status": answer.status.value, "reason": answer.reason}
                for answer in answers
            ]
        )
