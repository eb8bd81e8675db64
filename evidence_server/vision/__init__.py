"""Measurements on pictures: frames go in, figures come out; nothing here knows a sitting, a file or a codec."""
