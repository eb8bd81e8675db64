"""Everything that can be refused, in one table.

Each refusal has a stable code, the HTTP status it travels with, whose fault it is, and, in both
languages, one sentence that says what happened and one that says what to do.  Server, phone client,
pages and `protocol.md` all read this table; nobody writes such a sentence anywhere else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Fault(StrEnum):
    """Who has to change something before the same request can succeed."""

    PEER = "peer"
    SERVICE = "service"
    NOBODY = "nobody"  # a matter of time or of order: try again as the sentence says


@dataclass(frozen=True)
class ErrorRow:
    """One row of the table: `status` is the HTTP status, the sentences are keyed by language."""

    status: int
    fault: Fault
    says: Mapping[str, str]
    do: Mapping[str, str]


def _row(status: int, fault: Fault, zh: str, zh_do: str, en: str, en_do: str) -> ErrorRow:
    return ErrorRow(
        status, fault, MappingProxyType({"zh-CN": zh, "en": en}), MappingProxyType({"zh-CN": zh_do, "en": en_do})
    )


_PEER, _OURS, _TIME = Fault.PEER, Fault.SERVICE, Fault.NOBODY

ERRORS: Mapping[str, ErrorRow] = MappingProxyType(
    {
        # --- any request -------------------------------------------------------------------------
        "malformed": _row(400, _PEER, "请求的格式不对。", "请更新应用后重试。",
                          "The request is not in the expected form.", "Update the app and try again."),
        "unauthorised": _row(401, _PEER, "访问凭据缺失或不正确。", "请从原来的链接或页面重新打开。",
                             "The access token is missing or wrong.", "Open the original link or page again."),
        "not_found": _row(404, _PEER, "没有找到这项内容。", "请检查地址。",
                          "There is nothing at this address.", "Check the address."),
        "method_not_allowed": _row(405, _PEER, "此地址不支持这种操作。", "请查看接口说明。",
                                   "This address does not take that method.", "See the API description."),
        "too_large": _row(413, _PEER, "内容超过允许的大小。", "请分成更小的部分发送。",
                          "The content is larger than allowed.", "Send it in smaller parts."),
        "content_encoded": _row(415, _PEER, "不接受压缩过的请求内容。", "请不要使用 Content-Encoding。",
                                "Compressed request bodies are not accepted.", "Send it without Content-Encoding."),
        "wrong_media_type": _row(415, _PEER, "请求内容的类型不对。", "请按接口说明设置 Content-Type。",
                                 "The request body has the wrong type.", "Set Content-Type as the API description says."),
        "request_idle": _row(408, _TIME, "请求没有完整到达。", "请检查网络后重试。",
                             "The request did not arrive whole.", "Check the network and try again."),
        "throttled": _row(429, _TIME, "尝试次数过多。", "请稍等片刻再试。",
                          "Too many tries.", "Wait a moment and try again."),
        "internal": _row(500, _OURS, "服务器出了问题，您的录像不会因此丢失。", "请保持页面打开，系统会自动重试。",
                         "Something went wrong on our side; nothing you recorded is lost.",
                         "Keep the page open, it tries again by itself."),
        "busy": _row(503, _OURS, "服务器繁忙。", "系统会自动重试。",
                     "The server is busy.", "It tries again by itself."),
        "storage_full": _row(507, _OURS, "服务器存储空间不足，录像仍保存在手机上。", "请保持页面打开，空间恢复后会自动上传。",
                             "The server's storage is full; the recording stays on the phone.",
                             "Keep the page open, it uploads by itself when there is room."),
        "folder_in_use": _row(503, _PEER, "另一个服务器进程正在使用这个数据目录。", "请先停止它，或换一个目录。",
                              "Another server process is using this data folder.", "Stop it first, or use another folder."),
        "journal_newer": _row(503, _PEER, "这个数据目录由更新版本的软件写入。", "请安装该版本或更新的版本。",
                              "A newer version of this software has written this data folder.", "Install that version or a newer one."),
        # --- sittings (backend, support) ---------------------------------------------------------
        "sitting_unknown": _row(404, _PEER, "没有这场考试记录。", "请检查编号。",
                                "There is no such sitting.", "Check its id."),
        "sitting_exists": _row(409, _PEER, "这个编号已用于另一场设置不同的考试。", "请换一个编号。",
                               "That id is taken by a sitting with other settings.", "Use another id."),
        "wrong_stage": _row(409, _TIME, "现在还不能（或不再能）这样做。", "请查看当前状态。",
                            "That cannot be done at this stage.", "Look at the current state."),
        "policy_invalid": _row(422, _PEER, "证据规则中有无效的值。", "请按规则表修正。",
                               "The policy has a value that is not allowed.", "Correct it as the policy table says."),
        "end_invalid": _row(422, _PEER, "结束时间无效。", "结束时间不能晚于现在，也不能早于开始。",
                            "The end time is not allowed.", "It may be neither in the future nor before the start."),
        "decided": _row(409, _PEER, "已经作出结论，结束时间不再更改。", "请联系技术支持。",
                        "There is a verdict already; the end can no longer be moved this way.", "Ask the support desk."),
        # --- bind --------------------------------------------------------------------------------
        "code_mistyped": _row(422, _PEER, "绑定码有误，请再核对一遍。", "请逐个字符对照电脑屏幕输入。",
                              "The binding code was mistyped.", "Compare each character with the laptop's screen."),
        "code_unknown": _row(404, _PEER, "没有这个绑定码。", "请输入电脑屏幕上当前显示的绑定码。",
                             "There is no such binding code.", "Type the code the laptop shows now."),
        "offer_expired": _row(410, _TIME, "二维码或绑定码已过期。", "请扫描或输入电脑屏幕上当前显示的。",
                              "The QR code or binding code has expired.", "Use the one the laptop shows now."),
        "offer_used": _row(409, _PEER, "另一部手机已使用了这个二维码或绑定码。", "如果不是您的手机，请在电脑上点击“不是我的手机”。",
                           "Another phone has already used this code.",
                           "If that was not your phone, press “Not my phone” on the laptop."),
        "ticket_invalid": _row(422, _PEER, "这不是有效的绑定二维码。", "请扫描考试页面上的二维码。",
                               "This is not a valid binding QR code.", "Scan the one on the exam page."),
        "claim_lapsed": _row(410, _TIME, "绑定没有及时确认，已失效。", "请重新扫描二维码，已录内容仍然有效。",
                             "The claim was not confirmed in time.", "Scan the QR code again; what was recorded stays valid."),
        "claim_refused": _row(403, _PEER, "电脑上选择了“不是我的手机”。", "请重新扫描电脑上的新二维码。",
                              "The laptop answered “not my phone”.", "Scan the new QR code on the laptop."),
        "key_mismatch": _row(409, _PEER, "要确认的手机与等待绑定的手机不同。", "请核对两个屏幕上的六位数字。",
                             "The phone to confirm is not the one that is waiting.",
                             "Compare the six digits on both screens."),
        "not_bound": _row(409, _TIME, "这部手机还没有绑定。", "请在电脑上确认六位数字。",
                          "This phone is not bound yet.", "Confirm the six digits on the laptop."),
        "binding_replaced": _row(403, _PEER, "这场考试已改用另一部手机。", "这部手机上的录像请保留，等待成绩公布。",
                                 "Another phone has taken over this sitting.",
                                 "Keep the recording on this phone until the results are out."),
        # --- record ------------------------------------------------------------------------------
        "signature_invalid": _row(422, _PEER, "签名不正确。", "请用绑定时的手机和应用。",
                                  "The signature does not hold.", "Use the phone and app that were bound."),
        "claims_invalid": _row(422, _PEER, "签名记录中有无效的内容。", "请更新应用。",
                               "A signed record has a field that is not allowed.", "Update the app."),
        "chain_broken": _row(409, _PEER, "记录的前后顺序接不上。", "请从缺少的那一条开始发送。",
                             "The record does not follow the last one known.", "Send from the missing one on."),
        "chain_forked": _row(409, _PEER, "同一序号有两条不同的记录，两条都已保存。", "请联系技术支持。",
                             "Two different records carry the same number; both are kept.", "Ask the support desk."),
        "too_many": _row(422, _PEER, "一次发送的记录过多。", "请分批发送。",
                         "Too many records at once.", "Send them in batches."),
        # --- upload (tus 1.0) --------------------------------------------------------------------
        "tus_version": _row(412, _PEER, "不支持的上传协议版本。", "请使用 tus 1.0.0。",
                            "The upload protocol version is not supported.", "Use tus 1.0.0."),
        "upload_unknown": _row(404, _PEER, "没有这个上传地址。", "请重新发送这一段的记录以获取地址。",
                               "There is no such upload.", "Send the segment's head again to get its address."),
        "upload_gone": _row(410, _PEER, "这个上传已过期或已终止。", "请重新创建上传。",
                            "The upload has expired or was terminated.", "Create it again."),
        "upload_offset": _row(409, _TIME, "上传位置与服务器不一致。", "请从 Upload-Offset 给出的位置继续。",
                              "The offset is not where the server stands.", "Go on from the Upload-Offset given."),
        "upload_length": _row(413, _PEER, "内容超过声明的长度。", "请检查文件是否被改动。",
                              "More bytes than the declared length.", "Check whether the file was changed."),
        "upload_hash": _row(460, _PEER, "内容与声明的校验值不符，已丢弃。", "请重新上传这一段。",
                            "The bytes do not match their hash and were dropped.", "Upload this part again."),
        "checksum_algorithm": _row(400, _PEER, "不支持这种校验算法。", "请使用 Tus-Checksum-Algorithm 列出的算法。",
                                   "The checksum algorithm is not supported.", "Use one from Tus-Checksum-Algorithm."),
        "upload_taken_over": _row(409, _TIME, "同一上传的另一个请求接替了本请求。", "请查询 Upload-Offset 后从该位置继续。",
                                  "Another request for the same upload has taken over.",
                                  "Ask for the Upload-Offset and go on from there."),
        "upload_idle": _row(408, _TIME, "上传长时间没有收到内容，已收到的部分已保存。", "请查询 Upload-Offset 后从该位置继续。",
                            "Nothing arrived for a while; what had arrived is kept.",
                            "Ask for the Upload-Offset and go on from there."),
        "upload_unfinished": _row(409, _TIME, "上传还没有完成。", "请先完成上传。",
                                  "The upload is not finished.", "Finish it first."),
        # --- support -----------------------------------------------------------------------------
        "carry_invalid": _row(422, _PEER, "交来的文件不是有效的佐证文件，或不属于这场考试。", "请在手机上重新导出。",
                              "The file is not a valid carry file, or not one of this sitting.", "Export it again on the phone."),
    }
)


class PairingError(Exception):
    """A refusal with a row in `ERRORS`.

    `detail` says in English and for developers what exactly was wrong; it never carries secrets or
    personal data.  `extra` holds machine-readable facts for the answer (such as a retry time).
    """

    def __init__(self, code: str, detail: str = "", **extra: int | str) -> None:
        super().__init__(f"{code}: {detail or ERRORS[code].says['en']}")
        self.code = code
        self.detail = detail
        self.extra = extra

    @property
    def row(self) -> ErrorRow:
        """The table row of this refusal."""
        return ERRORS[self.code]


def refusals_table() -> str:
    """The table as Markdown (`python -m pairing.errors`), for protocol.md."""
    lines = ["| code | status | fault | sentence | what to do |", "|---|---|---|---|---|"]
    lines += [
        f"| `{code}` | {row.status} | {row.fault} | {row.says['en']} {row.says['zh-CN']} "
        f"| {row.do['en']} {row.do['zh-CN']} |"
        for code, row in ERRORS.items()
    ]
    return "\n".join(lines)


def refusals_javascript() -> str:
    """The table as the module that the phone's web app reads (`python -m pairing.errors --javascript`)."""
    rows = {
        code: {"fault": row.fault, "says": dict(row.says), "do": dict(row.do)} for code, row in ERRORS.items()
    }
    lines = [
        "// Made by `python -m pairing.errors --javascript`: the one table of refusals, for when no server answers.",
        "",
        '/** @type {Record<string, {fault: "peer"|"service"|"nobody", says: Record<"zh-CN"|"en", string>,',
        ' *   do: Record<"zh-CN"|"en", string>}>} */',
        "export const REFUSALS = Object.freeze({",
        *(f"  {code}: {json.dumps(row, ensure_ascii=False)}," for code, row in rows.items()),
        "});",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(refusals_javascript() if "--javascript" in sys.argv[1:] else refusals_table())
