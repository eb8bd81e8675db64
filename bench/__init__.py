"""Benchmarks: each module measures one claim against a named peer, or a named limit, in the same run."""
