"""What a workflow step prints goes to its log file; an expected error is one line there, not a traceback."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

EXPECTED = (ValueError, OSError, ArithmeticError)


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Send standard output and error of the block to ``path``; end the process with status 1 after an error.

    Errors that the user can mend (bad data, bad config, a loss that is not finite) say what to do in their
    message, which is all that is written. Any other error is ours and is written with its traceback.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", buffering=1) as log, redirect_stdout(log), redirect_stderr(log):
        try:
            yield
        except EXPECTED as error:
            print(f"error: {error}")
            failed = True
        except Exception:
            traceback.print_exc()
            failed = True
        else:
            failed = False
    if failed:
        sys.exit(1)
