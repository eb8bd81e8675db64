"""The evidence server: binds phones to sittings, takes in their recordings, says whether they are complete."""
