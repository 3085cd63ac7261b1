"""Side-by-side benchmarks: each case against a baseline written plainly.

A **group** is a function in a file of its own that yields
:class:`Comparison` objects. A comparison is a baseline and other ways to do
the same job. The suite checks that the results agree, times all cases in turns
(A B A B ...), measures peak memory separately, and writes JSON, a Markdown
page and pictures.

To add a group, write ``tools/benchmarks/my_group.py``::

    from benchmarks.core import Case, Comparison, Settings, close, group

    @group('my group')
    def my_group(settings: Settings):
        size = 64 if settings.quick else 1024
        x = torch.randn(size, size, device=settings.device)
        yield Comparison(
            'sum of squares',                    # heading of the table
            Case('loop', lambda: sum(r @ r for r in x)),     # the baseline
            [
                Case('pow', lambda: x.pow(2).sum(), goal=0.9),
                Case('bf16', lambda: ..., same=close(1e-2)),
            ],
            same=close(1e-5),     # unless a case brings its own
            axis='side',          # optional: comparisons of one `family`
            at=size,              #   and axis are drawn over `at`
            family='sum of squares',
        )

and import it in :mod:`benchmarks.groups`. Build expensive objects in the
generator, right before its ``yield``: they are freed when the suite asks for
the next comparison. With ``settings.quick`` a group must finish in seconds;
its times are not judged. A case that cannot run raises :class:`Skipped` with
the reason, which the table shows.
"""

from benchmarks.core import (
    GROUPS,
    Case,
    Comparison,
    Settings,
    Skipped,
    close,
    group,
)
from benchmarks.suite import run_suite

__all__ = [
    'GROUPS',
    'Case',
    'Comparison',
    'Settings',
    'Skipped',
    'close',
    'group',
    'run_suite',
]
