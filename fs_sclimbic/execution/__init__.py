"""How the cases of a study are shared out: parts of a list, workers, clusters."""
