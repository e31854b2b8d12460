"""Forges: where repositories live, and change requests are made, checked and merged."""
