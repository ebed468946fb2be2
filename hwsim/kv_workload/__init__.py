"""Decoding with a key/value cache, dense or bitmap-compressed: memory, time and energy by context length."""
