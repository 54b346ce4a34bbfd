"""The bytes of photos: files in a directory or objects of an S3 service, named after their SHA-256, never changed."""
