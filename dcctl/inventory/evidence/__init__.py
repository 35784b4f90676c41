"""What an audit looks at beside the fleet: facts as they were read, each with why it is not there."""
