"""What every answer of the web process has in common: headers, log line, error pages, health."""
