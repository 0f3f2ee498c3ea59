"""A simulated company, for three minutes of looking around without an account."""
