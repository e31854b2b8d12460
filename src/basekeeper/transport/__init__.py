"""HTTP with limits, retries and redaction; the only package that imports the HTTP library."""
