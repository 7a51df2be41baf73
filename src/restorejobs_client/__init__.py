"""A typed, complete and resumable client for AWS Backup's ListRestoreJobs."""
