"""Methods that compare views of images: what belongs together is pulled together."""
