"""What the JPEG decoder complains about."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collect_jpeg_warnings(complaints: list[str]) -> Iterator[None]:
    """Collect the warnings of OpenCV's JPEG decoder.

    The decoder goes on after damage and only writes a line to the process's
    standard error, which is redirected meanwhile. Other lines pass. A JPEG
    has no checksum: damage that decodes to other pixels without a complaint
    is not found.

    Args:
        complaints (list[str]): The warnings are appended to it.
    """
    sys.stderr.flush()
    try:
        before = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            text = file.read().decode(errors='replace')
            for line in text.splitlines():
                if 'JPEG' in line:
                    complaints.append(line.strip())
                else:
                    print(line, file=sys.stderr)
