"""Plans in time: backfill around what runs, maintenance, prices and carbon."""
