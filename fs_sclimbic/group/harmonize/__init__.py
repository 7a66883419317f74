"""Site harmonisation of tables: ComBat with empirical Bayes, its model as a file, and what to be told of it."""
