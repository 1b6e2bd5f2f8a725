"""What a workflow step prints goes to its log file; an expected error is one line there, not a traceback."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Send standard output and error of the block to ``path``; end the process with status 1 after an error.

    Errors that the user can mend (bad data, bad config, a loss that is not finite, a full disk) say what to
    do in their message, which is all that is written. Any other error is written with its traceback.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", buffering=1) as log, redirect_stdout(log), redirect_stderr(log):
        try:
            yield
        except Exception as error:
            if _mendable(error):
                print(f"error: {error}")
            else:
                traceback.print_exc()
            failed = True
        else:
            failed = False
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
