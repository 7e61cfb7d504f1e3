"""Plain Streamlit pages that the dashboard is compared with in the same run."""
