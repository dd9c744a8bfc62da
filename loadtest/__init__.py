"""The load-test runner: proves speed and promises by running them."""
