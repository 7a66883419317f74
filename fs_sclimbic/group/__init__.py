"""Group analysis: tables over subjects, designs, general linear models and their figures; no network anywhere."""
