"""One module a subcommand of `yiwangtu`, each with a click command called `command`."""
