"""Which files the app needs to open: what its page names, and all that those import."""

from __future__ import annotations

import re
from pathlib import Path

from tests.web.screens.stage import WEB

_NAMED = re.compile(r'(?:src|href)="([^"]+)"')
# Static imports and re-exports only: what is imported later is fetched when it is needed.
_IMPORTED = re.compile(r'^(?:import|export)\b[^;]*?\bfrom\s+"(\.[^"]+)"|^import\s+"(\.[^"]+)"', re.MULTILINE)
# What scripts fetch by name: the worker, and the words of the language chosen.
BY_NAME = {"keeper.js", "locales/en.ftl", "locales/zh-CN.ftl"}
# Only an installed app asks for them.
ICONS = {"icon-192.png", "icon-512.png"}


def needed() -> set[str]:
    """Relative to the app's folder."""
    page = (WEB / "index.html").read_text(encoding="utf-8")
    waiting = [*_NAMED.findall(page), *BY_NAME, *ICONS]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name.endswith(".js"):
            waiting += [_resolved(name, to) for to in _imports((WEB / name).read_text(encoding="utf-8"))]
    return found


def _imports(source: str) -> list[str]:
    return [one or other for one, other in _IMPORTED.findall(source)]


def _resolved(importer: str, to: str) -> str:
    return ((WEB / importer).parent / Path(to)).resolve().relative_to(WEB.resolve()).as_posix()


def listed() -> list[str]:
    """What the service worker keeps, as sw.js lists it."""
    source = (WEB / "sw.js").read_text(encoding="utf-8")
    block = re.search(r"const SHELL = Object\.freeze\(\[(.*?)\]\)", source, re.DOTALL)
    if block is None:
        raise ValueError("sw.js lists nothing")
    return re.findall(r'"([^"]+)"', block.group(1))


def main() -> None:
    """Writes the list into sw.js: `python -m tests.web.screens.shell`."""
    path = WEB / "sw.js"
    lines, line = [], " "
    for name in sorted(needed()):
        entry = f' "{name}",'
        if len(line) + len(entry) > 110:
            lines.append(line)
            line = " "
        line += entry
    block = "\n".join([*lines, line])
    source = re.sub(r"(const SHELL = Object\.freeze\(\[)(.*?)(\]\))", lambda m: f"{m[1]}\n{block}\n{m[3]}",
                    path.read_text(encoding="utf-8"), flags=re.DOTALL)  # fmt: skip
    path.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    main()
