# SPDX-License-Identifier: MIT
"""The host's side of the tests: it boots images in QEMU and judges what they print."""
