"""Other systems: `tokens` let them in, `scopelist` says what they may hand over, `webhooks` tells them of it."""
