"""Methods whose codes are meant to hold one factor of variation each."""
