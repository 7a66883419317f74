"""Images: volumes on their grids, labels and colour tables, conforming, transforms, formats."""
