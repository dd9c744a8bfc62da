"""The process that watches one server: it starts fronts, Ray and supervisor, and starts them again.

It stands outside Ray and never imports it, so that nothing that happens to Ray happens to it.
"""
