"""What is made of jobs: Arrow tables, data frames and summaries."""
