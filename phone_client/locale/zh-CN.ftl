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
unverified = 服务器的答复未通过验证：{ $detail }
trouble = 第 { $segment } 段无法上传：{ $why }

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
