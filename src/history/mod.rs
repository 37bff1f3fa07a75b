//! Key events kept as Parquet, one partition per event day.
