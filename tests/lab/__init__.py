"""The lab: a real Docker engine and real images on a machine that may have neither."""
