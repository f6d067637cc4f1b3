"""Everything that reaches into another library's private parts."""
