"""Subjects matched to a design, the general linear model, its tests."""
