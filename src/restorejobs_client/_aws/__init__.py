"""Talk to AWS Backup with boto3: clients, requests, responses and errors."""
