"""Measurements on pictures: frames in, figures out; nothing here knows a sitting, a file or a codec."""
