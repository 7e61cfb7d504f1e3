"""The web pages: the only code that knows Streamlit."""
