"""SLAC: how a car finds the charger at the other end of its cable, and joins its network. Pure cores."""
