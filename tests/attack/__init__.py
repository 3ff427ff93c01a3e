"""Attacks on this program that anybody can repeat: seeded, bounded, one file for each kind. `make attack` runs all of
them; a small sample of each that needs nothing but this machine is among the ordinary tests.
"""
