"""Methods that learn a classifier from sets of candidate labels."""
