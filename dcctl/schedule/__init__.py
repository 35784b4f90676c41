"""`dcctl schedule`: where and when work runs. Pure decisions and their reports."""
