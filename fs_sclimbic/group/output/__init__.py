"""What a fit leaves: FreeSurfer's files, results, figures, the report."""
