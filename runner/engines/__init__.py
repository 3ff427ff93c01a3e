"""How a machine runs a service: `docker`, `process` or `systemd`. What can be seen of it from the controller."""
