"""One script a page. `app.py` routes to them; they are not run on their own."""
