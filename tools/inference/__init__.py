"""Images in and out, for the commands that predict."""
