"""Reads a Dockerfile as BuildKit reads it: bytes → document with spans → build."""
