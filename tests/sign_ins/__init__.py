"""Signing in with a browser: passwords, cookies, sign-ins and their ends."""
