"""The guides of docs/operations, tried without containers: `make rehearsal`."""
