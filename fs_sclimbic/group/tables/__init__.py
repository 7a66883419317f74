"""Tables over subjects, from their stats files."""
