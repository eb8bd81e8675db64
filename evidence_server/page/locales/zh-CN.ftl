# 考生在电脑上看到的全部文字。用词见 design.md 的 “Terms”。

page-name = 手机佐证
language-label = 语言
step-connect = 绑定手机
step-record = 录制
step-upload = 上传
step-result = 结论
steps-label = 进度
notices-label = 通知
support = 技术支持：{ $contact }

span-seconds = { $seconds } 秒
span-minutes = { $minutes } 分钟
span-exact = { $minutes } 分 { $seconds } 秒
span-hours = { $hours } 小时 { $minutes } 分钟

# 连接与错误
lost-title = 与服务器的连接已断开，正在重新连接。
lost-as-of = 下面是 { $time } 的情况，不是现在的情况。手机使用它自己的网络连接。
lost-before = 请检查这台电脑的网络。
unreachable = 服务器没有回应。
unreachable-do = 请检查这台电脑的网络，然后再点一次。
no-token-title = 请从考试系统打开本页
no-token-do = 这个地址不完整。请回到考试系统，重新点击“佐证绑定”。
refused-title = 无法打开本页

# 第一步：扫码
scan-title = 请用手机扫描二维码
scan-lead = 您的手机将作为本场考试的第二机位。
scan-step-1 = 打开手机的相机或“扫一扫”。
scan-step-2 = 对准二维码，打开出现的链接。
scan-step-3 = 回到这里，核对两个屏幕上的六位数字。
scan-steps-label = 绑定步骤
scan-qr-alt = 绑定二维码。如果无法扫描，请在手机上输入旁边的绑定码。
scan-qr-fresh = { $time }后更换二维码
scan-qr-wait = 正在获取新的二维码…
scan-qr-lost = 连接断开，二维码暂时无法使用
scan-type-title = 扫不了？请输入绑定码
scan-type-how = 用手机浏览器打开
scan-type-then = 并输入
scan-code-fresh = { $time } 后更换绑定码

# 第二步：核对
claim-title = 手机上显示的是同一组数字吗？
claim-lead = 请逐位核对两个屏幕上的六位数字。
claim-digits = 六位数字：{ $digits }
claim-client = 请求绑定的设备自称：{ $client }
claim-yes = 是，这是我的手机
claim-no = 不是我的手机
claim-no-why = 数字不同或手机上没有数字，请点“不是我的手机”：可能有人扫了您的二维码。之后会出现新的二维码。
claim-left = 请在 { $time } 内确认
claim-lapsed = 已超时，正在生成新的二维码…
claim-sending = 正在发送…

# 录制中
phone-waiting-title = 绑定成功，请看手机
phone-waiting-do = 服务器正在等待手机发来最初几秒的录像。
anchor-label = 屏幕标记
anchor-alt = 黑白方块图案，每半分钟更换一次。
anchor-leave = 请让这个图案一直可见：手机靠它认出这台电脑的屏幕。
anchor-wait = 正在获取新的图案…
anchor-lost = 连接断开，恢复后图案会自动出现。
waiting-title = 在手机上
waiting-step-1 = 如果手机询问，请允许使用摄像头和麦克风。
waiting-step-2 = 把手机放在能拍到您、桌面和这个屏幕的位置。
waiting-step-3 = 接通电源。收到录像后，本页会变成绿色。
phone-recording-title = 正在录制
phone-recording-do = 您已准备好参加考试。请让手机保持原位、屏幕常亮、接通电源。
phone-recording-on-do = 一切正常，请继续考试。请不要移动手机。
phone-offline-title = 手机离线，录像保存在手机上
phone-offline-do = 请看一眼手机：只要显示“正在录制”，就可以继续考试。网络恢复后会自动上传。
phone-interrupted-title = 录制中断：{ $cause }
phone-interrupted-unknown-title = 录制中断
phone-stopped-title = 手机已停止录制
phone-stopped-do = 考试还没有结束。请立即在手机上重新开始录制。
phone-unknown-title = 暂时不知道手机是否在录制
phone-unknown-do = 请看一眼手机：屏幕上必须显示“正在录制”。
last-known = 最后得知：{ $title }
last-known-do = 请看手机：手机屏幕上显示的才是现在的情况。

fact-recorded = 已录制
fact-contact = 手机最近一次联系
fact-contact-ago = { $time }前
fact-interrupted-for = 已中断
fact-left = 距考试结束
fact-starts = 距考试开始
fact-end-unknown = 由考试系统决定
fact-end = 考试结束时间
fact-over = 已到

# 数据的路径
path-title = 录像到哪里了
path-recorded = 手机已录制
path-committed = 已向服务器登记
path-stored = 已存到服务器
path-verified = 已核验
path-recorded-help = 保存在手机上
path-committed-help = 登记后内容不能再改动
path-stored-help = 手机收到了回执
path-verified-help = 画面和声音已检查

# 结束后
upload-deadline = 上传截止时间
upload-left = 还剩
upload-over = 已过截止时间
upload-waiting = 还在手机上
upload-waiting-of = 共录制 { $total }
upload-none-title = 还没有收到任何录像
upload-none-do = 请打开手机上的录制页面，并检查手机网络。如果仍然没有变化，请联系考试的技术支持。
upload-stop-title = 考试已结束，请在手机上停止录制
upload-stop-do = 在手机上点“停止”，然后让手机页面保持打开，直到上传完成。
upload-uploading-title = 请让手机页面保持打开
upload-uploading-do = 录像正在自动上传，请不要关闭或锁定手机。
upload-offline-title = 请让手机重新联网
upload-offline-do = 服务器收不到手机的消息。请打开手机上的录制页面，换一个 Wi-Fi 或移动网络。
upload-overdue-title = 已过截止时间，请继续上传
upload-overdue-do = 之后到达的录像会记为“逾期”。请让手机页面保持打开，并联系考试的技术支持。
upload-checking-title = 录像已全部到达服务器
upload-checking-do = 服务器正在核验，您不需要做任何事。请不要删除手机上的录像。

# 中断与缺失
ledger-title = 中断与缺失
ledger-title-gaps = 中断
ledger-open = 尚未结束
ledger-none = 到目前为止没有中断。
ledger-none-final = 没有中断，也没有缺失。
ledger-alt = 时间轴：{ $start } 到 { $end }，{ $gaps } 处中断，{ $missing } 处缺失。详见表格。
ledger-table = 用表格显示（{ $count } 条）
ledger-what = 类别
ledger-from = 开始
ledger-to = 结束
ledger-length = 时长
ledger-cause = 原因
ledger-gap = 中断
ledger-missing = 未送达
ledger-waiting = 还在手机上
ledger-recorded = 已录制
ledger-unknown = 尚未得知
ledger-sum = { $count } 处中断，共 { $time }

cause-crash = 手机应用崩溃
cause-call = 来电
cause-locked = 手机锁屏
cause-hidden = 切换到其他应用
cause-camera-lost = 摄像头被占用或断开
cause-muted = 摄像头或麦克风被静音
cause-storage-full = 手机空间已满
cause-battery = 手机没电
cause-stopped = 手动停止
cause-frozen = 画面静止不动
cause-black = 画面全黑
cause-clock-jump = 手机时钟跳变
cause-overload = 手机负载过高
cause-unknown = 原因不明

fix-crash = 请在手机上重新打开录制页面，点“继续”。
fix-call = 请挂断电话，回到手机上的录制页面。
fix-locked = 请解锁手机，回到录制页面。
fix-hidden = 请在手机上回到录制页面。
fix-camera-lost = 请关闭其他使用摄像头的应用，然后在手机上点“继续”。
fix-muted = 请在手机上重新允许摄像头和麦克风。
fix-storage-full = 请在手机上删除其他文件腾出空间，不要删除考试录像。
fix-battery = 请接通电源，开机后重新打开录制页面。
fix-stopped = 请在手机上重新开始录制。
fix-frozen = 请在手机上点“继续”；如果画面仍然不动，请重启手机。
fix-black = 请不要遮挡手机摄像头。
fix-clock-jump = 请把手机时间设为自动，然后回到录制页面。
fix-overload = 请关闭手机上的其他应用。
fix-unknown = 请看手机，按屏幕上的提示操作。

# 结论
verdict-complete-title = 佐证完整
verdict-complete-lead = 录像全部按时到达，并通过核验。
verdict-incomplete-title = 佐证不完整
verdict-incomplete-lead = 缺少部分录像或检查未通过，原因见下。
verdict-late-title = 佐证齐全，但有逾期
verdict-late-lead = 录像已全部到达，其中一部分晚于截止时间。
verdict-issued = 第 { $version } 版结论，{ $time } 签发
verdict-issued-again = 第 { $version } 版结论，{ $time } 签发，取代第 { $before } 版
verdict-reasons = 原因
verdict-review = 需要人工查看
verdict-review-lead = 以下各项不改变结论，考务人员会查看。
verdict-next = 接下来做什么
next-keep = 请保留手机上的录像，直到成绩公布。
next-close = 可以关闭本页。
next-support = 请马上联系考试的技术支持，告诉他们这里列出的原因。
next-keep-open = 如果录像还在手机上，请让手机页面保持打开：送达后会签发新的结论。
next-late = 考试机构会决定逾期如何处理，您不需要做任何事。
published-title = 成绩已公布，可以删除手机上的录像
published-lead = 请在手机页面上点“删除录像”。服务器没有收到的部分会留在手机上，如需删除请联系技术支持。
published-at = 成绩公布时间：{ $time }
published-verdict = 结论：{ $word }

reason-no-recording = 没有收到任何录像。
reason-missing-media = 有录像已登记，但没有送达服务器。
reason-gap-too-long = 有一次中断超过了允许的时长。
reason-gaps-too-long = 所有中断加起来超过了允许的时长。
reason-undecodable-media = 有录像无法播放。
reason-stored-late = 有录像在截止时间之后才送达。
reason-no-manifest = 手机没有发来最终清单，因此按已登记的内容判断。
reason-scan-not-measured = 没有检查环拍。
reason-scan-repeat = 环拍需要重做。
reason-placement-not-measured = 没有检查机位。
reason-placement-failed = 机位不符合要求。
reason-continuity-not-measured = 没有检查画面和声音是否连续。
reason-continuity-failed = 画面或声音不连续。
reason-anchor-not-measured = 没有检查手机是否拍到了这台电脑的屏幕。
reason-anchor-failed = 没有看到这台电脑的屏幕。
reason-committed-late = 有录像登记得晚：拍摄半分钟以后、更换手机之后或由人工递交。
reason-media-irregular = 有录像的时间或声音不规则。
reason-fork = 手机对同一段录像发来了两份不同的记录。
reason-clock-drift = 手机时钟与服务器时钟相差过大。
