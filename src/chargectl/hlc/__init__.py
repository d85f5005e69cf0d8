"""High-level charging (ISO 15118) between MQTT, the port and a V2G session: what a value on one side means on
the other.

* ``customer``: what the customer's software says on the topics of guide 15.5.3 to 15.5.6;
* ``reports``: what the EV says, as topics of guide 15.5.7 to 15.5.11;
* ``charging``: the session's phases; the port's status into facts of the station; effects into wishes.
"""
