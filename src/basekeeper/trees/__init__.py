"""The files of a repository, in a working tree or at a git revision; nothing else is ever read."""
