"""A verdict in words: the page's own sentences, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from fluent.runtime import FluentBundle, FluentResource

LANGUAGES = ("zh-CN", "en")
_LABELS = {
    "en": {"reasons": "reason", "gaps": "gap", "missing": "missing", "review": "for review", "seconds": "s",
           "version": "version", "required": "required", "deadline": "deadline", "waived": "waived"},
    "zh-CN": {"reasons": "原因", "gaps": "中断", "missing": "未送达", "review": "待审核", "seconds": "秒",
              "version": "版本", "required": "要求时段", "deadline": "截止时间", "waived": "已豁免"},
}  # fmt: skip


_STEPS = {
    1: "证据包文件", 2: "服务器签名", 3: "事件记录", 4: "绑定", 5: "手机签名的记录", 6: "回执", 7: "录像内容",
    8: "重新测量", 9: "结论",
}  # fmt: skip


def finding_line(step: int, holds: bool, says: str, language: str) -> str:
    """One numbered finding; what exactly was checked stays in English."""
    if language == "zh-CN":
        return f"{step}. {'通过' if holds else '不符'} {_STEPS[step]} ({says})"
    return f"{step}. {'ok ' if holds else 'NO '} {says}"


def describe(claims: Mapping[str, Any], language: str) -> Iterator[str]:
    """A verdict's grounds, a line each, with times in UTC."""
    language = language if language in LANGUAGES else "en"
    label, words = _LABELS[language], _bundle(language)
    start, end = claims["required_ms"]
    yield f"{label['required']}: {_moment(start)} – {_moment(end)}"
    yield f"{label['deadline']}: {_moment(claims['deadline_ms'])}"
    for kind in ("reasons", "review"):
        for item in claims[kind]:
            yield f"{label[kind]}: {_say(words, 'reason', item['code'])}{_interval(item, label)}"
    for item in claims["gaps"]:
        yield f"{label['gaps']}: {_say(words, 'cause', item['cause'])}{_interval(item, label)}"
    for item in claims["missing"]:
        yield f"{label['missing']}: {item['generation']}/{item['run']}/{item['seq']}{_interval(item, label)}"
    for code in claims["waived"]:
        yield f"{label['waived']}: {_say(words, 'reason', code)}"
    yield f"{label['version']}: {claims['version']}"


def _bundle(language: str) -> FluentBundle:
    path = Path(str(files("evidence_server") / "page" / "locales" / f"{language}.ftl"))
    bundle = FluentBundle([language], use_isolating=False)
    bundle.add_resource(FluentResource(path.read_text(encoding="utf-8")))
    return bundle


def _say(words: FluentBundle, family: str, code: str) -> str:
    name = f"{family}-{code.replace('_', '-')}"
    if not words.has_message(name):
        return code
    pattern = words.get_message(name).value
    return code if pattern is None else str(words.format_pattern(pattern)[0])


def _interval(item: Mapping[str, Any], label: Mapping[str, str]) -> str:
    if "start_ms" not in item:
        return ""
    length = item.get("length_ms", item["end_ms"] - item["start_ms"]) / 1000
    times = f"{_moment(item['start_ms'])} – {_moment(item['end_ms'])}"
    return f" {times} ({length:.1f} {label['seconds']})"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"
