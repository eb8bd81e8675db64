"""The evidence server: binds phones to sittings, takes in their recordings and judges them."""
