"""What sources that ask over HTTP share: connections, who asks, deadlines, retries, failures told apart."""
