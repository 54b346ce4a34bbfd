"""Time limits of incidents: `clock` counts, `wording` says why, `store` keeps them in the database."""
