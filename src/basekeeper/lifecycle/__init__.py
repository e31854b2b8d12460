"""Calendars of products, the list of official images and known publishers, as bundled data.

Start at `basekeeper.lifecycle.catalogue.Catalogue`.
"""
