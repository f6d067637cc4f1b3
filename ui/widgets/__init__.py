"""Custom Streamlit components, one folder each."""
