"""Adapters over Apache Spark, for data that outgrow one machine."""
