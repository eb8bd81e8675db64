"""The evidence server: binds phones to sittings, takes in what they record, and says whether it is complete."""
