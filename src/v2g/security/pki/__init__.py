"""Makes and shows test PKIs: all certificates and keys that a station and a car need at the desk."""
