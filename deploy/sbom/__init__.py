"""What the product is made of in production: `python -m deploy.sbom` (docs/operations/README.md)."""
