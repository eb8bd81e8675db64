"""The pairing protocol: everything phone and server must agree on, without clock, files or sockets."""
