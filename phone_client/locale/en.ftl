# --- binding
digits = Six digits: { $digits }. Compare them with the laptop and confirm there.
key = key: { $key }
bound = This phone is bound to sitting { $sitting }.
buffer-continues = Going on with the recording in { $folder }.

# --- recording
recording-started = Recording. Keep this running until the end of the exam.
recording-stopped = Recording has stopped and is sealed. Keep this running until everything has arrived.
recording-mute = WITHOUT SOUND: { $detail }. Reconnect the microphone and start the same command again.
recording-interrupted = NOT recording ({ $cause }): { $detail }. It starts again by itself as soon as it can.
recording-over = NOT recording ({ $cause }): { $detail }.
stop-asked = The exam is not over. Press Ctrl-C again within { $seconds } s to stop recording all the same.
scan-turn = Room scan: turn once around within { $seconds } s, with yourself in the picture.
scan-done = Room scan finished.
placed = Marked: the phone stands in its place.
scan-accept = The server: the room scan is fine.
scan-repeat = The server: the room scan has to be repeated:
scan-review = The server: a person will look at the room scan:
place-ok = The server: the phone stands well.
place-failed = The server: what lacks in the picture:
alarm = The server sees:
other-why = { $code }
end-heard = The exam is over.
offline = No network. The recording goes on and is safe on this phone.
offline-stopped = No network. What was recorded is safe on this phone and is sent later.
online = The network is back.
fault = A fault of this program, it tries again: { $detail }

# --- delivery
manifest-sent = The list of everything recorded has been sent.
owed = { $count ->
    [one] 1 segment is still only on this phone. Run the same command again to deliver it.
   *[other] { $count } segments are still only on this phone. Run the same command again to deliver them.
}
arrived = Everything recorded has arrived and is stored; you may close this. Waiting for the verdict.
delivered = Everything has been delivered.
carried = { $count ->
    [one] 1 segment was written to { $file }. Bring it to the support desk.
   *[other] { $count } segments were written to { $file }. Bring them to the support desk.
}
freed = Released: { $size } deleted from this phone.
reason = reason: { $reason }
reason-no-recording = Nothing was recorded during the exam.
reason-missing-media = { $segments ->
    [one] 1 segment between { $start } and { $end } has not arrived.
   *[other] { $segments } segments between { $start } and { $end } have not arrived.
}
reason-gap-too-long = Nothing was recorded from { $start } to { $end }, { $seconds } s ({ $cause }).
reason-gaps-too-long = The gaps add up to { $seconds } s; { $limit } s are allowed.
reason-undecodable-media = { $segments ->
    [one] 1 segment between { $start } and { $end } can't be read.
   *[other] { $segments } segments between { $start } and { $end } can't be read.
}
reason-scan-missing = No room scan was made.
reason-scan-repeat = The room scan has to be repeated: { $what }.
reason-scan-review = A person has to look at the room scan: { $what }.
reason-scan-not-measured = The room scan was not checked.
reason-placement-missing = It was never marked that the phone stands in its place.
reason-scan-late = The room scan was made only after the exam had begun.
reason-scan-other-phone = The room scan is of the phone before; the phone that took over made none.
reason-placed-late = For more than ten minutes of the exam it was not marked that the phone stands in its place.
reason-placement-failed = The phone's placement does not meet the rules; what lacks: { $what }.
reason-placement-not-measured = The phone's placement was not checked.
reason-continuity-failed = { $start } to { $end }: { $what }.
reason-continuity-not-measured = Continuity of picture and sound was not checked.
reason-anchor-failed = { $start } to { $end }: { $what }.
reason-anchor-not-measured = It was not checked whether the phone saw the laptop's screen.
joint = { ", " }
unverified = An answer of the server does not hold: { $detail }
trouble = Segment { $segment } does not go through: { $why }

# --- what the server saw
scan-why-too-short = too short
scan-why-too-long = too long
scan-why-landscape = phone held sideways
scan-why-upside-down = phone held upside down
scan-why-few-frames = too few pictures
scan-why-covered = lens covered
scan-why-dark = too dark
scan-why-blurred = picture not sharp
scan-why-still = the picture hardly moved
scan-why-loop = the same picture again
scan-why-candidate-absent = the candidate was not always in the picture
scan-why-people = more than one person in the picture
scan-why-people-perhaps = perhaps somebody else in the picture
scan-why-too-fast = too fast
scan-why-jump = the picture jumped
scan-why-unseen = part of the turn could not be followed
scan-why-static-surroundings = the surroundings did not turn
scan-why-not-closed = the turn did not come back to where it began
scan-why-not-enough = not all the way round
scan-why-sensors-differ = picture and sensor disagree
scan-why-sectors-missing = not all of the room was seen
scan-why-undecodable = can't be played
place-why-alone = nobody but the candidate
place-why-sharpness = a sharp picture
place-why-pictures = enough pictures
place-why-candidate = the candidate
place-why-desk = the whole desk
place-why-screen = the laptop's screen
place-why-steady = a steady picture
place-why-light = the right light
alarm-black = picture black
alarm-covered = camera covered
alarm-frozen = picture frozen
alarm-repeated = picture repeats
alarm-moved = phone moved
alarm-absent = nobody in the picture
alarm-people = more than one person in the picture
alarm-blurred = picture not sharp
alarm-dark = too dark
alarm-silent = no sound
anchor-why-not-seen = the marker on the laptop's screen was not seen
anchor-why-wrong-sequence = the markers on the laptop's screen came in the wrong order
anchor-why-foreign = another exam's marker was seen

# --- progress
recorded = recorded
committed = committed
stored = stored
verified = verified
time-left = time left
network = network
state = state
network-ok = connected
network-lost = offline, kept on the phone
network-wait = connected, waiting for the confirm
doing-starting = starting
doing-recording = recording
doing-interrupted = NOT RECORDING
doing-stopped = stopped
of = { $part } of { $whole }
dropped = frames lost

# --- usage
usage-one-offer = Give exactly one of --link, --qr and --code (with --server).
usage-code-server = A typed code needs --server ADDRESS, which stands beside it on the laptop.
usage-no-binding = This buffer is not bound yet: give --link, --qr or --code.
usage-no-camera = Give --camera DEVICE or FILE.
usage-locked = Another client is already using the buffer { $folder }.
usage-buffer = The buffer { $folder } can't be used: { $detail }
server-away = The server does not answer ({ $detail }). Trying again.

# --- preflight
check = check
result = result
advice = what to do
check-camera = camera
check-sound = microphone
check-storage = storage
check-clock = clock
check-battery = battery
check-network = network
passed = fine
failed = NOT fine
skipped = not checked
camera-fine = { $pictures } pictures in { $seconds } s, { $width }×{ $height }
camera-closed = The camera can't be opened: { $detail }
camera-closed-do = Close other programs that use it, allow the camera, or name another one with --camera.
camera-still = The camera gives too few pictures ({ $pictures } in { $seconds } s).
camera-still-do = Reconnect the camera or name another one with --camera.
sound-fine = level { $level } dB
sound-none = No sound is recorded.
sound-closed = The microphone can't be opened: { $detail }
sound-none-do = Name a microphone with --sound.
sound-silent = The microphone is silent ({ $level } dB).
sound-silent-do = Switch the microphone on, turn its level up, or name another one with --sound.
storage-fine = { $free } free, { $need } needed
storage-short = Only { $free } are free; the exam needs { $need }.
storage-short-do = Delete or move other files, or name another folder with --buffer.
clock-fine = { $offset } ms from the server's
clock-off = The clock is { $seconds } s away from the server's.
clock-off-do = Switch on automatic date and time. The recording stays valid all the same.
battery-none = no battery: running on mains
battery-fine = { $percent } %, { $charging ->
    [yes] charging
   *[no] not charging
}
battery-low = The battery is at { $percent } % and not charging.
battery-low-do = Connect the charger and leave it connected until the end.
network-fine = answers in { $rtt } ms
network-slow = The network is slow: answers take { $rtt } ms.
network-slow-do = Change to a better network if you can. What can't be sent now is kept and sent later.
network-none = The server can't be reached: { $detail }
network-none-do = Connect to the network and check the address. Recording works without it, binding does not.
no-server = no server was named
