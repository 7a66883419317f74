from tests.cli.group_commands import refused, run_glm  # noqa: F401
