"""The demonstration: a numbered camera file, its reader, and the script that walks the whole path."""
