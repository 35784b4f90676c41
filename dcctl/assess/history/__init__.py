"""What was done, from a store of time series: use, idle and stranded boards, queue, forecast."""
