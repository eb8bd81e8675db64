# --- 绑定
digits = 六位数字：{ $digits }。请与电脑屏幕核对，并在电脑上确认。
key = key: { $key }
bound = 本机已绑定考试 { $sitting }。
buffer-continues = 继续使用 { $folder } 中的录像。

# --- 录制
recording-started = 正在录制，请保持运行直到考试结束。
recording-stopped = 录制已停止并封存，请保持运行直到全部上传。
recording-mute = 没有声音：{ $detail }。请重新连接麦克风，再次运行同一命令。
recording-interrupted = 当前没有录制（{ $cause }）：{ $detail }。恢复后会自动继续。
recording-over = 当前没有录制（{ $cause }）：{ $detail }。
stop-asked = 考试尚未结束。如仍要停止录制，请在 { $seconds } 秒内再按一次 Ctrl-C。
scan-turn = 环拍：请在 { $seconds } 秒内原地转一圈，本人须始终在画面中。
scan-done = 环拍完成。
placed = 已标记：手机已放好。
scan-accept = 服务器：环拍合格。
scan-repeat = 服务器：环拍需要重做：
scan-review = 服务器：环拍之后由人工查看：
place-ok = 服务器：机位合格。
place-failed = 服务器：画面里缺少：
alarm = 服务器看到：
other-why = { $code }
end-heard = 考试已结束。
offline = 没有网络，录制继续，录像保存在本机。
offline-stopped = 没有网络，录像保存在本机，稍后上传。
online = 网络已恢复。
fault = 程序出错，正在重试：{ $detail }

# --- 上传
manifest-sent = 录像清单已发送。
owed = 还有 { $count } 段录像只保存在本机，请再次运行同一命令上传。
arrived = 全部录像已送达并存储，可以关闭本程序。正在等待结论。
delivered = 全部录像已上传。
carried = 已将 { $count } 段录像写入 { $file }，请交给技术支持。
freed = 已解除保留：本机删除 { $size }。
reason = 原因：{ $reason }
reason-no-recording = 考试期间没有任何录像。
reason-missing-media = { $start } 至 { $end } 之间有 { $segments } 段录像没有收到。
reason-gap-too-long = { $start } 至 { $end } 没有录制，共 { $seconds } 秒（{ $cause }）。
reason-gaps-too-long = 中断合计 { $seconds } 秒，允许 { $limit } 秒。
reason-undecodable-media = { $start } 至 { $end } 之间有 { $segments } 段录像无法读取。
reason-scan-missing = 没有做环拍。
reason-scan-repeat = 环拍需要重做：{ $what }。
reason-scan-review = 环拍需要人工查看：{ $what }。
reason-scan-not-measured = 没有检查环拍。
reason-placement-missing = 没有标记手机已放好。
reason-placement-failed = 机位不符合要求，画面里缺少：{ $what }。
reason-placement-not-measured = 没有检查机位。
reason-continuity-failed = { $start } 至 { $end }：{ $what }。
reason-continuity-not-measured = 没有检查画面和声音是否连续。
reason-anchor-failed = { $start } 至 { $end }：{ $what }。
reason-anchor-not-measured = 没有检查手机是否拍到了电脑屏幕。
joint = 、
unverified = 服务器的答复未通过验证：{ $detail }
trouble = 第 { $segment } 段无法上传：{ $why }

# --- 服务器看到的
scan-why-coverage = 没有拍满一圈
scan-why-open = 没有转回开始的方向
scan-why-fast = 转得太快
scan-why-dark = 太暗
scan-why-blurred = 画面模糊
scan-why-covered = 镜头被遮住
scan-why-still = 画面几乎没有动
scan-why-loop = 画面重复
scan-why-cut = 画面跳变
scan-why-face = 考生没有一直在画面里
scan-why-people = 画面里不止一个人
scan-why-featureless = 有些方向看不清细节
scan-why-upside-down = 手机拿倒了
scan-why-too-short = 时间太短
scan-why-too-long = 时间太长
scan-why-undecodable = 画面无法播放
place-why-candidate = 考生
place-why-desk = 整个桌面
place-why-screen = 电脑屏幕
place-why-steady = 稳定的画面
place-why-light = 合适的光线
place-why-blurred = 清晰的画面
alarm-black = 画面全黑
alarm-covered = 摄像头被遮挡
alarm-frozen = 画面静止不动
alarm-repeated = 画面重复播放
alarm-moved = 手机被移动
alarm-absent = 画面里没有人
alarm-people = 画面里不止一个人
alarm-blurred = 画面模糊
alarm-dark = 光线太暗
alarm-silent = 没有声音
anchor-why-not-seen = 没有看到电脑屏幕上的标记
anchor-why-wrong-sequence = 电脑屏幕上的标记次序不对
anchor-why-foreign = 看到的是另一场考试的标记

# --- 进度
recorded = 已录制
committed = 已登记
stored = 已存储
verified = 已核验
time-left = 剩余时间
network = 网络
state = 状态
network-ok = 已连接
network-lost = 离线，录像保存在本机
network-wait = 已连接，等待电脑确认
doing-starting = 正在启动
doing-recording = 正在录制
doing-interrupted = 没有录制
doing-stopped = 已停止
of = { $part } / { $whole }
dropped = 丢失画面

# --- 用法
usage-one-offer = 请在 --link、--qr、--code（配合 --server）中只选一个。
usage-code-server = 输入绑定码时需要 --server 地址，它显示在电脑上绑定码旁边。
usage-no-binding = 此目录尚未绑定，请提供 --link、--qr 或 --code。
usage-no-camera = 请用 --camera 指定摄像头或文件。
usage-locked = 另一个程序正在使用目录 { $folder }。
usage-buffer = 目录 { $folder } 无法使用：{ $detail }
server-away = 服务器没有响应（{ $detail }），正在重试。

# --- 检查
check = 项目
result = 结果
advice = 处理办法
check-camera = 摄像头
check-sound = 麦克风
check-storage = 存储空间
check-clock = 时钟
check-battery = 电池
check-network = 网络
passed = 正常
failed = 不正常
skipped = 未检查
camera-fine = { $seconds } 秒内 { $pictures } 帧，{ $width }×{ $height }
camera-closed = 无法打开摄像头：{ $detail }
camera-closed-do = 请关闭占用摄像头的程序并允许使用，或用 --camera 指定另一个。
camera-still = 摄像头画面太少（{ $seconds } 秒内 { $pictures } 帧）。
camera-still-do = 请重新连接摄像头，或用 --camera 指定另一个。
sound-fine = 音量 { $level } dB
sound-none = 没有录制声音。
sound-closed = 无法打开麦克风：{ $detail }
sound-none-do = 请用 --sound 指定麦克风。
sound-silent = 麦克风没有声音（{ $level } dB）。
sound-silent-do = 请打开麦克风、调高音量，或用 --sound 指定另一个。
storage-fine = 可用 { $free }，需要 { $need }
storage-short = 可用空间只有 { $free }，考试需要 { $need }。
storage-short-do = 请删除或移走其他文件，或用 --buffer 指定另一个目录。
clock-fine = 与服务器相差 { $offset } 毫秒
clock-off = 本机时钟与服务器相差 { $seconds } 秒。
clock-off-do = 请打开自动设置日期和时间。录像仍然有效。
battery-none = 没有电池，使用外接电源
battery-fine = { $percent } %，{ $charging ->
    [yes] 正在充电
   *[no] 未充电
}
battery-low = 电量只有 { $percent } %，且未充电。
battery-low-do = 请连接充电器，直到考试结束。
network-fine = 响应时间 { $rtt } 毫秒
network-slow = 网络很慢：响应需要 { $rtt } 毫秒。
network-slow-do = 如有条件请更换网络；暂时发不出的录像会保存在本机，稍后上传。
network-none = 无法连接服务器：{ $detail }
network-none-do = 请连接网络并检查地址。没有网络也能录制，但不能绑定。
no-server = 没有指定服务器
