"""Kills each part of a throw-away installation while people work with it, and counts what was kept.

    python -m benchmarks.faults [--seed N] [--kinds web,worker,…] [--report FILE]

The whole product runs as in production (its settings, gunicorn behind the real nginx configuration, worker, sealer,
beat, PostgreSQL with fsync, Redis). Phones check in, experts send receipts, the office asks (which sends mails to a
mail server of ours) and closes a month, all over HTTPS. Then web, worker, beat, Redis and database are killed at random
moments of a seed, and the disks of files, of the database's log and of its data are filled. What the product
acknowledged must be there, once; the files of the closes must be those of a copy that nobody disturbed.
"""
