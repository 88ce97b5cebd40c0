"""The manuals of docs/manual as pages of the product."""
