"""The subcommands of `yiwangtu` that run the server; `data.cli` loads them by name."""
