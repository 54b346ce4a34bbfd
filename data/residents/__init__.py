"""What residents tell and order, without an account: tracking codes, pages that need no script, points."""
