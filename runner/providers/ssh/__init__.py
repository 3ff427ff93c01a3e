"""Machines that are there already and that we only have SSH to."""
