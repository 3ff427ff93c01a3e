"""Provider `aws`: machines of EC2, on demand or spot."""
