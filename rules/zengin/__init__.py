"""The 総合振込 file of 120-byte records: names, records, whole files (reference: 全銀協 規定)."""
