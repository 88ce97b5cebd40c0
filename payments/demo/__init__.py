"""The story of `make demo`: invented institutions, experts, clients and four months of dispatches."""
