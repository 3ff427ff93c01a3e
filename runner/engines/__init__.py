"""How a machine runs a service: `docker` or `process`. What can be seen of it from the controller."""
