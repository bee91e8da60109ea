"""Events to other machines, over NATS JetStream."""
