"""The calendar of holidays and make-up workdays: `days` is what it says, `store` keeps it in the database."""
