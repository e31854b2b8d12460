"""From what a run observed to events of the ledger, and from its events to facts and deadlines.

Pure: nothing is read or written here. An event that is known already is not told again.
"""
