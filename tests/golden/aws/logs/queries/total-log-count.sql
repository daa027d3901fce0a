SELECT COUNT(*) AS total_logs FROM raw_logs
