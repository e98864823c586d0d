"""Who may do what: users, teams, roles, keys, and what each of them cannot get at."""
