"""Reading the shell text of RUN just far enough to tell which packages it installs and keeps."""
