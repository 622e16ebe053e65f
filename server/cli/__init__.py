"""The command `samverkan`: what each command is called, takes and says."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from server.cli.help import describe_columns, describe_settings
from server.cli.screen import fail, out, table
from server.cli.settings import load_settings
from server.domain.network import Right
from server.errors import Refused, SamverkanError

commands = typer.Typer(
    help="Distributed marketing over GraphQL: a head office offers campaign packages, its local entities order them.",
    epilog="Settings are environment variables; [bold]samverkan serve --help[/bold] lists them.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich",
)


def main() -> None:
    """Runs a command. What goes wrong on purpose is one line on stderr and exit code 1; wrong options are code 2."""
    try:
        commands()
    except Refused as refused:
        fail(*(problem.message for problem in refused.problems))
    except SamverkanError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader has had enough, as `head` has: Python must not complain at exit
        sys.exit(1)


@commands.command(epilog=describe_settings())
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of SAMVERKAN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of SAMVERKAN_PORT.")] = None,
) -> None:
    """Serve GraphQL, GraphiQL and documents until Ctrl+C."""
    from server.cli.serving import serve

    serve(load_settings(host=host, port=port))


@commands.command(epilog=describe_settings())
def worker() -> None:
    """Do what is done later, until Ctrl+C: due moves, messages, webhooks, work in chunks, jobs of campaign types.

    With the same settings as the server. On PostgreSQL any number of workers may run, on any machine; on SQLite those
    on the server's own machine.
    """
    from server.cli.working import work

    work(load_settings())


@commands.command()
def jobs(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed and are tried again.")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show.")] = 100,
    retry: Annotated[str, typer.Option(metavar="ID", help="Have this job begin at once.", show_default=False)] = "",
    cancel: Annotated[str, typer.Option(metavar="ID", help="Have this job never begin.", show_default=False)] = "",
) -> None:
    """List what is done later: jobs that are queued, delayed, running or failed, the newest first."""
    from server.cli.jobs import cancel as cancel_one
    from server.cli.jobs import retry as retry_one
    from server.cli.jobs import show_jobs

    if retry:
        retry_one(load_settings(), retry)
    elif cancel:
        cancel_one(load_settings(), cancel)
    else:
        show_jobs(load_settings(), failed=failed, most=most)


@commands.command()
def migrate() -> None:
    """Bring the database to the newest schema; make it if there is none."""
    from server.cli.databases import migrate

    migrate(load_settings())


@commands.command("import", epilog=describe_columns())
def import_files(
    paths: Annotated[list[Path], typer.Argument(help="CSV files, or folders of them.", show_default=False)],
    skip_bad_rows: Annotated[bool, typer.Option("--skip-bad-rows", help="Leave them out, import the rest.")] = False,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when there is a network already.")] = False,
) -> None:
    """Import entities, groups, operators and contacts from CSV; what is there already is updated.

    Every bad row is reported with file, line, column and reason, and of a file with one nothing is imported.
    """
    from server.cli.importing import import_files

    import_files(load_settings(), paths, skip_bad_rows=skip_bad_rows, if_empty=if_empty)


@commands.command()
def create_operator(
    login: Annotated[str, typer.Argument(help="Unique login name.", show_default=False)],
    name: Annotated[str, typer.Option(help="The person's name.", show_default=False)],
    right: Annotated[Right, typer.Option(help="What the operator may do.", case_sensitive=False)] = Right.LOCAL,
    entity: Annotated[list[str] | None, typer.Option(help="Code of an entity to act for; may be repeated.")] = None,
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    locale: Annotated[str, typer.Option(help="Language, such as sv or nb-NO.")] = "en",
) -> None:
    """Create an operator. The password is asked for, or read from standard input when that is no terminal."""
    from server.cli.databases import create_operator, read_password

    fields = {"login": login, "name": name, "right": right, "email": email, "locale": locale}
    create_operator(load_settings(), fields, entity or [], read_password())
    out.print(f"Operator {name} ({login}) can log in now.")


@commands.command()
def campaign_types() -> None:
    """List the installed campaign types."""
    from server.plugins import load_campaign_types

    rows = [
        (kind.name, kind.label, kind.version, kind.distribution, str(kind.contract), kind.template)
        for kind in load_campaign_types()
    ]
    table("Name", "Label", "Version", "Distribution", "Contract", "Template", rows=rows)


@commands.command()
def channels() -> None:
    """List the installed channels, and where their messages go."""
    from server.plugins import load_channels

    rows = [
        (name, each.channel.label, each.version, each.distribution, each.channel.reaches.value, each.channel.target())
        for name, each in load_channels(load_settings()).items()
    ]
    table("Name", "Label", "Version", "Distribution", "Reaches", "Messages go to", rows=rows)


@commands.command()
def trust(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files of an app's documents.", show_default=False)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the trusted documents.")] = False,
    remove: Annotated[list[str] | None, typer.Option(help="Remove the document with this id; repeatable.")] = None,
) -> None:
    """Register an app's GraphQL documents, so that it may ask for them by id and for nothing else where wanted.

    Understands .graphql files, persisted documents of Relay and GraphQL Code Generator, and Apollo's manifest. Of
    documents with a fault all faults are told, and nothing is registered.
    """
    from server.cli import trusting

    if not (paths or listed or remove):
        raise typer.BadParameter("Give files or folders of documents, --list, or --remove.")
    if remove:
        trusting.remove_trusted(load_settings(), remove)
    if paths:
        trusting.trust(load_settings(), paths)
    if listed:
        trusting.list_trusted(load_settings())


@commands.command()
def print_schema() -> None:
    """Print the GraphQL schema."""
    from server.graphql.mutation import Mutation
    from server.graphql.schema import make_schema
    from server.graphql.subscription import Subscription

    print(make_schema(Mutation, Subscription).as_str())  # noqa: T201


@commands.command()
def demo(
    url: Annotated[str, typer.Option(help="Where a server runs with the example network.")] = "http://127.0.0.1:8000",
) -> None:
    """Walk the main job on a running server: a package of each campaign type, from draft to approved order."""
    from server.demo.client import DemoError
    from server.demo.main_job import People, run

    try:
        run(url, out.print, People())
    except DemoError as error:
        fail(str(error))
