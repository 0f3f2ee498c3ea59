"""The store's schema, revision by revision; evidence is never rewritten by any of them."""
