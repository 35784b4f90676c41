"""Buckets by the S3 API."""
