"""The uplink of a run: what the event store holds, sent to other machines."""
