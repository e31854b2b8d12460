"""Builders of images, run where they can reach nothing but what they were given."""
