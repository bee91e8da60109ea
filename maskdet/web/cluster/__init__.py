"""The page of a cluster: all machines, all cameras."""
