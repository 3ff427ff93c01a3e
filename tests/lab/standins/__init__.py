"""Small programs that speak the HTTP API of software that the lab cannot have. Standard library only."""
