"""The design of a study: FSGD files, classes, variables, contrasts."""
