"""The main job over GraphQL, as a client sees it: a package of each campaign type from draft to approved orders."""

from server.demo.client import DemoError
from server.demo.main_job import People, run

__all__ = ["DemoError", "People", "run"]
