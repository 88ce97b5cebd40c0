"""What is paid and held: pure Python, no Django. Dated rule sets and facts in, explained lines out."""
