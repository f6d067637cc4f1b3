"""One script per page. `app.py` routes to them; they do not run on their own."""
