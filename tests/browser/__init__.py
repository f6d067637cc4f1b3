"""A package, so that pytest closes the browser of its fixtures before other tests begin."""
