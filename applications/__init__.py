"""Downstream tasks on an exported SavedModel. What stands here imports no method."""
