"""What is valid but looks wrong in a study: rows, values, variables, comparisons, and what one subject changes."""
