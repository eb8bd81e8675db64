"""The server's command line, one module for each kind of user."""
