"""Bitmap-compressed operands in hardware: a decoder, and a dot product that spends no time on zeros."""
