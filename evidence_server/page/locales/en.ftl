# Everything the candidate reads on the laptop. One word per thing: see "Terms" in design.md.

page-name = Evidence camera
language-label = Language
step-connect = Connect phone
step-record = Record
step-upload = Upload
step-result = Verdict
steps-label = Progress
notices-label = Notices
support = Support desk: { $contact }

list-joint = { ", " }
span-seconds = { $seconds } s
span-minutes = { $minutes } min
span-exact = { $minutes } min { $seconds } s
span-hours = { $hours } h { $minutes } min

# Connection and errors
lost-title = Connection to the server lost. Trying again.
lost-as-of = What you see below was true at { $time }, not now. Your phone has its own connection.
lost-before = Check this laptop's network.
unreachable = The server did not answer.
unreachable-do = Check this laptop's network, then press again.
no-token-title = Open this page from the exam system
no-token-do = This address is not complete. Go back to the exam system and open the phone binding again.
refused-title = This page can't be opened

# Step 1: scan
scan-title = Scan this code with your phone
scan-lead = Your phone becomes the second camera of this exam.
scan-step-1 = Open the camera or the scanner on your phone.
scan-step-2 = Point it at the code and open the link that appears.
scan-step-3 = Come back here and compare the six digits.
scan-steps-label = How to connect the phone
scan-qr-alt = Binding QR code. If you can't scan it, type the binding code beside it on your phone.
scan-qr-fresh = New QR code in { $time }
scan-qr-wait = Getting a new QR code…
scan-qr-lost = No connection: the QR code can't be used now
scan-type-title = Can't scan? Type the binding code
scan-type-how = In your phone's browser open
scan-type-then = and type
scan-code-fresh = New binding code in { $time }

# Step 2: compare
claim-title = Does your phone show the same number?
claim-lead = Compare all six digits on both screens.
claim-digits = Six digits: { $digits }
claim-client = The device that asks calls itself: { $client }
claim-yes = Yes, this is my phone
claim-no = Not my phone
claim-no-why = If your phone shows another number, or none, press “Not my phone”: somebody else may have scanned your code. You then get a new one.
claim-left = Confirm within { $time }
claim-lapsed = Time is up. Getting a new code…
claim-sending = Sending…

# Recording
phone-waiting-title = Connected: now look at your phone
phone-waiting-do = The server is waiting for the first seconds of the recording.
anchor-label = Screen marker
anchor-alt = A pattern of black and white squares, which changes every half minute.
anchor-leave = Leave this visible: the phone recognises this screen by it.
anchor-wait = Getting a new pattern…
anchor-lost = No connection: the pattern returns by itself.
waiting-title = On the phone
waiting-step-1 = Allow the camera and the microphone if the phone asks.
waiting-step-2 = Place the phone so that it sees you, the desk and this screen.
waiting-step-3 = Plug it in. This page turns green as soon as the recording arrives.
phone-recording-title = Recording
phone-recording-do = You are ready for the exam. Leave the phone where it is, its screen on, plugged in.
phone-recording-on-do = All is well, carry on with the exam. Leave the phone where it is.
phone-recording-look-do = Look at the phone and do what it says: something is still to be done.
phone-recording-alarm-do = It records, but look at the phone: { $what }.
phone-offline-title = Phone offline – the recording is kept on the phone
phone-offline-do = Glance at the phone: as long as it says “recording”, carry on with the exam. It uploads by itself when the network is back.
phone-interrupted-title = Interrupted: { $cause }
phone-interrupted-unknown-title = Recording interrupted
phone-stopped-title = The phone has stopped recording
phone-stopped-do = The exam is not over. Start recording on the phone again now.
phone-unknown-title = Not known whether the phone is recording
phone-unknown-do = Glance at the phone: its screen must say “recording”.
last-known = Last known: { $title }
last-known-do = Look at the phone itself: its screen tells how things are now.

fact-recorded = Recorded
fact-contact = Last heard from the phone
fact-contact-ago = { $time } ago
fact-interrupted-for = Interrupted for
fact-left = Exam ends in
fact-starts = Exam starts in
fact-end-unknown = the exam system decides
fact-end = End of the exam
fact-over = reached

# The path of the recording
path-title = Where your recording is
path-recorded = Recorded
path-committed = Committed
path-stored = Stored
path-verified = Verified
path-recorded-help = kept on the phone
path-committed-help = registered, can't be changed any more
path-stored-help = on the server, receipt given
path-verified-help = picture and sound checked

# After the end
upload-deadline = Upload deadline
upload-left = Time left
upload-over = The deadline has passed
upload-waiting = Still on the phone
upload-waiting-of = of { $total } recorded
upload-none-title = No recording has arrived yet
upload-none-do = Open the recording page on the phone and check the phone's network. If nothing changes, contact your exam's support desk.
upload-stop-title = The exam is over: stop recording on the phone
upload-stop-do = Press “Stop” on the phone, then keep the phone's page open until the upload is done.
upload-uploading-title = Keep the phone's page open
upload-uploading-do = The recording uploads by itself. Don't close or lock the phone.
upload-offline-title = Connect the phone to a network
upload-offline-do = The server hears nothing from the phone. Open the recording page on the phone and try another Wi-Fi or mobile network.
upload-overdue-title = The deadline has passed: go on uploading
upload-overdue-do = What arrives now counts as late. Keep the phone's page open and contact your exam's support desk.
upload-checking-title = Everything has arrived
upload-checking-do = The server is verifying it; there is nothing you have to do. Don't delete the recording on the phone.

# Gaps and missing media
ledger-title = Gaps and missing parts
ledger-title-gaps = Gaps
ledger-open = still open
ledger-none = No gaps so far.
ledger-none-final = No gaps, nothing missing.
ledger-alt = Timeline from { $start } to { $end }: { $gaps ->
    [one] one gap
   *[other] { $gaps } gaps
}, { $missing ->
    [one] one missing part
   *[other] { $missing } missing parts
}, { $alarms ->
    [one] one alarm
   *[other] { $alarms } alarms
}. The table has the details.
ledger-table = Show as a table ({ $count ->
    [one] one row
   *[other] { $count } rows
})
ledger-what = Kind
ledger-from = From
ledger-to = To
ledger-length = Length
ledger-cause = Cause
ledger-gap = Gap
ledger-missing = Not delivered
ledger-alarm = Alarm
ledger-waiting = Still on the phone
ledger-recorded = Recorded
ledger-unknown = Not known yet
ledger-sum = { $count ->
    [one] One gap
   *[other] { $count } gaps
}, { $time } in all

# Before the exam: room scan and placement; during it: alarms
room-title = Room scan
room-running = The candidate is turning: { $degrees }° so far.
room-measuring = The server is looking at the scan.
room-accept = Fine: a turn of { $degrees }°, the whole room was seen.
room-repeat = To be repeated.
room-repeat-why = To be repeated: { $why }.
room-review = You may go on; a person will look at it.
room-review-why = You may go on; a person will look at it: { $why }.
room-alt = A long picture of the room, joined from the turn, with seen and missing directions marked
place-title = Placement
place-measuring = The server is looking at the picture.
place-ok = Fine: candidate, desk and screen are in the picture.
place-failed = It does not meet the rules.
place-failed-missing = What lacks in the picture: { $missing }.
place-alt = The phone's picture once it was in its place
fact-alarm = Look at the phone

cause-crash = the phone's app crashed
cause-call = phone call
cause-locked = phone locked
cause-hidden = another app was opened
cause-camera-lost = camera taken away
cause-muted = camera or microphone muted
cause-storage-full = phone's storage full
cause-battery = battery empty
cause-stopped = stopped by hand
cause-frozen = picture frozen
cause-black = picture black
cause-clock-jump = the phone's clock jumped
cause-overload = the phone was overloaded
cause-unknown = cause not known

fix-crash = Open the recording page on the phone again and press “Continue”.
fix-call = End the call and go back to the recording page on the phone.
fix-locked = Unlock the phone and go back to the recording page.
fix-hidden = Go back to the recording page on the phone.
fix-camera-lost = Close other apps that use the camera, then press “Continue” on the phone.
fix-muted = Allow camera and microphone again on the phone.
fix-storage-full = Free space on the phone by deleting other files, never the exam recording.
fix-battery = Plug the phone in, switch it on and open the recording page again.
fix-stopped = Start recording on the phone again.
fix-frozen = Press “Continue” on the phone; if the picture stays frozen, restart the phone.
fix-black = Uncover the phone's camera.
fix-clock-jump = Set the phone's clock to automatic and go back to the recording page.
fix-overload = Close the other apps on the phone.
fix-unknown = Look at the phone and do what its screen says.

# Verdict
verdict-complete-title = Evidence complete
verdict-complete-lead = The whole recording arrived in time and was verified.
verdict-incomplete-title = Evidence incomplete
verdict-incomplete-lead = Part of the recording is missing or a check failed; the reasons are below.
verdict-late-title = Evidence whole, but late
verdict-late-lead = The whole recording has arrived, part of it after the deadline.
verdict-issued = Verdict version { $version }, issued at { $time }
verdict-issued-again = Verdict version { $version }, issued at { $time }, replaces version { $before }
verdict-reasons = Reasons
verdict-review = For review
verdict-review-lead = These don't change the verdict; the exam board will look at them.
verdict-next = What to do next
next-keep = Keep the recording on the phone until the results are published.
next-close = You can close this page.
next-support = Contact your exam's support desk now and tell them the reasons listed here.
next-keep-open = If the recording is still on the phone, keep the phone's page open: once it is delivered, a new verdict is issued.
next-late = The exam board decides what lateness means; there is nothing you have to do.
published-title = Results are out: you may delete the recording
published-lead = Press “Delete recording” on the phone's page. What the server never received stays on the phone; ask the support desk about it.
published-at = Results published at { $time }
published-verdict = Verdict: { $word }

reason-no-recording = No recording was received.
reason-missing-media = Recorded media was committed but never delivered.
reason-gap-too-long = A gap was longer than allowed.
reason-gaps-too-long = All gaps together were longer than allowed.
reason-undecodable-media = Part of the recording can't be played.
reason-stored-late = Part of the recording arrived after the deadline.
reason-no-manifest = The phone sent no final list, so what it had committed was judged.
reason-scan-not-measured = The room scan was not checked.
reason-scan-missing = No room scan was made.
reason-scan-repeat = The room scan has to be repeated.
reason-scan-repeat-why = The room scan has to be repeated: { $why }.
reason-scan-review = A person has to look at the room scan.
reason-scan-review-why = A person has to look at the room scan: { $why }.
reason-scan-late = The room scan was made only after the exam had begun.
reason-scan-other-phone = The room scan is of the phone before; the phone that took over made none.
reason-placed-late = For more than ten minutes of the exam it was not marked that the phone stands in its place.
reason-placement-not-measured = The phone's placement was not checked.
reason-placement-missing = It was never marked that the phone stands in its place.
reason-placement-failed = The phone's placement does not meet the rules.
reason-placement-failed-missing = The phone's placement does not meet the rules; what lacks: { $missing }.
reason-continuity-not-measured = Continuity of picture and sound was not checked.
reason-continuity-failed = Picture or sound is not continuous.
reason-anchor-not-measured = It was not checked whether the phone saw this laptop's screen.
reason-anchor-failed = This laptop's screen was not seen in the recording.
reason-anchor-failed-not-seen = the marker on the laptop's screen was not seen
reason-anchor-failed-wrong-sequence = the markers on the laptop's screen came in the wrong order
reason-anchor-failed-foreign = another exam's marker was seen
reason-committed-late = Part of the recording was registered late: more than half a minute after it was made, after a change of phone, or by hand.
reason-media-irregular = Part of the recording has irregular timing or sound.
reason-fork = The phone sent two different records of the same part.
reason-clock-drift = The phone's clock differs too much from the server's.
reason-at = { $span }: { $what }
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
scan-why-candidate-changed = the candidate did not look the same all the time
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
