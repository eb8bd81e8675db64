#!/bin/sh
# Puts the face models where the server reads them and the wheel packs them: `@mediapipe/face_detection` by
# `npm ci` from the lock file, never committed.
set -eu

from=node_modules/@mediapipe/face_detection
to=evidence_server/vision/models
rm -rf "$to"
mkdir -p "$to"
# The package names its licence, Apache-2.0, and carries no text of it; ours is the same text.
grep -q '"license": "Apache-2.0"' "$from/package.json"
cp LICENSE "$to/LICENSE"
cp "$from/package.json" "$to/package.json"
cp "$from/face_detection_short_range.tflite" "$from/face_detection_full_range.tflite" "$to/"
chmod a+r "$to"/*
