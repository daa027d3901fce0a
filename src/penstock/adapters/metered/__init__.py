"""Ports that tell a meter what they are asked for: the same file names as in ``ports``.

A wrapper has the methods that AWS charges for; everything else goes to what it wraps.
"""
