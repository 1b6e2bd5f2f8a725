"""How a workflow step starts: what it prints goes to its log file, and an expected error is one line there."""

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any


def run_main(main: Callable[..., None], job: Any) -> None:
    """Call a script's ``main`` with what its rule hands it, by name.

    An argument is an output, an input (a path, or a list of paths), a parameter, a wildcard or ``config``, the first
    of these that has its name; what the rule lacks has a default. ``**`` takes all outputs that are not named.

    Args:
        main: of the script.
        job: Snakemake's object ``snakemake`` in that script.
    """
    handed = {"config": job.config, **dict(job.wildcards.items()), **dict(job.params.items())}
    for files in (job.input, job.output):
        for name, value in files.items():
            handed[name] = Path(value) if isinstance(value, str) else [Path(path) for path in value]
    arguments = inspect.signature(main).parameters.values()
    wanted = {argument.name for argument in arguments}
    if any(argument.kind is inspect.Parameter.VAR_KEYWORD for argument in arguments):
        wanted |= set(job.output.keys())
    with to_file(Path(job.log[0])):
        main(**{name: value for name, value in handed.items() if name in wanted})


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Send standard output and error of the block to ``path``; end the process with status 1 after an error.

    Errors that the user can mend (bad data, bad config, a loss that is not finite, a full disk) say what to
    do in their message, which is all that is written. Any other error is written with its traceback.
    """
    failed = False
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", buffering=1) as log, redirect_stdout(log), redirect_stderr(log):
        try:
            yield
        except Exception as error:
            failed = True
            if _mendable(error):
                print(f"error: {error}")
            else:
                traceback.print_exc()
    if failed:
        sys.exit(1)


def _mendable(error: Exception) -> bool:
    """Whether an error is the machine's or a complaint of this package about what it was given.

    The package complains by ValueError or by classes of its own. A ValueError that another library raises,
    say numpy about shapes, went past every check of ours and is a bug.
    """
    raised_in = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    own_class = type(error).__module__.startswith("daenr.")
    return (
        isinstance(error, OSError)
        or own_class
        or (type(error) is ValueError and raised_in.startswith("daenr."))
    )
