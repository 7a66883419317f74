"""Quality control: pictures of results."""
