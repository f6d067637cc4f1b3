"""All code that uses other libraries' private parts."""
