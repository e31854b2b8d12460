"""Until when a fix must be taken, and whether it was: a pure function of events and `now`."""
