"""`make security`: the own security tests by the rows of the requirements, tools that read the source, tools that attack."""
