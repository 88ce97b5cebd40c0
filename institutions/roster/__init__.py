"""Rosters of the agency: read, compared with the register, applied (requirements B1 and B2)."""
