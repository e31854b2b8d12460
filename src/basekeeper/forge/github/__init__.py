"""GitHub: github.com and Enterprise Server, by REST and GraphQL."""
