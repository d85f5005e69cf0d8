"""A charger and a car for the desk: what the session cores ask of hardware, made up, with faults on order."""
