"""Slipway's runner: Python decides, Ansible does, generated files remember."""

__version__ = "0.1.0"
